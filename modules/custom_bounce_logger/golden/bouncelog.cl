# one
1800000001@m@b@c@T@r\@x@d.test@news@list.test@default@default@0@70@8@@451 later\@mx@spring\n\@ "sale"\\/acme
1800000001@m@b@c@B@r\@x@d.test@news@list.test@default@default@21@10@8@198.51.100.1@550 <r\@d.test> no@spring\n\@ "sale"\\/acme
1800000001@m@b@c@T@r\@x@d.test@news@list.test@default@default@0@70@8@@451 later\@mx@/acme
1800000001@m@b@c@B@r\@x@d.test@news@list.test@default@default@21@10@8@198.51.100.1@550 <r\@d.test> no@/acme
1800000060@@@@M1
# two
1800000001@m@b@c@T@r\@x@d.test@news@list.test@default@default@0@70@8@@451 later\@mx@to d.test from news\@list.test
1800000001@m@b@c@B@r\@x@d.test@news@list.test@default@default@21@10@8@198.51.100.1@550 <r\@d.test> no@to d.test from news\@list.test
1800000001@m@b@c@T@r\@x@d.test@news@list.test@default@default@0@70@8@@451 later\@mx@to d.test from news\@list.test
1800000001@m@b@c@B@r\@x@d.test@news@list.test@default@default@21@10@8@198.51.100.1@550 <r\@d.test> no@to d.test from news\@list.test
1800000060@@@@M1
