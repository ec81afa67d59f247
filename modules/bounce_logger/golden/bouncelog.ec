1800000001@M1/00-00042-00000001@B1/00-00042-0000BA7C@O1/00-00042-00000ABC@T@bob@example.net@alice@example.com@tenants@acme@4@70@21@198.51.100.25@451 4.7.1 greylisted, ask postmaster@example.net or wait
1800000002@M1/00-00042-00000001@B1/00-00042-0000BA7C@C1/00-00042-0000C0DE@B@bob@example.net@alice@example.com@tenants@acme@5@10@21@198.51.100.25@550 5.1.1 <bob@example.net> no such user
1800000002@M2/00-00042-00000001@B2/00-00042-0000BA7C@C2/00-00042-0000C0DE@B@"odd\@name"@[IPv6:2001:db8::1]@@@tenants@acme@0@24@21@@554 5.4.7 [internal] exceeded max time without delivery
1800000002@M3/00-00042-00000001@B3/00-00042-0000BA7C@C3/00-00042-0000C0DE@B@carol@example.org@bounces+1@ours.test@default@default@21@22@21@203.0.113.9@552 5.2.2 over quota
1800000002@M3/00-00042-00000001@B3/00-00042-0000BA7C@C3/00-00042-0000C0DE@B@@@bounces+1@ours.test@default@default@21@30@21@203.0.113.9@who knows
1800000060@@@@M1
