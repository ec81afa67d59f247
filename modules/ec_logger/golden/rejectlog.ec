1800000001: R="192.0.2.10:41000" L="192.0.2.1:25" C="C1/00-00042-0000C0DE" PATH="" PATH_GRP="" P="sending banner" E=550 M=conntrol CTXCONN=[early_talker=yes] CTXMESS=[] 5.7.1 you speak too early
1800000002: R="[2001:db8::9]:1025" L="[2001:db8::1]:25" C="C3/00-00042-0000C0DF" PATH="partners" PATH_GRP="inbound" P="awaiting ehlo/helo" E=501 M= CTXCONN=[] CTXMESS=[] 5.5.2 invalid EHLO
1800000003: R="192.0.2.10:41000" L="192.0.2.1:25" C="C1/00-00042-0000C0DE" PATH="" PATH_GRP="" P="awaiting mailfrom" E=550 M= CTXCONN=[early_talker=yes] CTXMESS=[] 5.7.1 null envelope sender not allowed
1800000004: R="192.0.2.10:41000" L="192.0.2.1:25" C="C1/00-00042-0000C0DE" PATH="" PATH_GRP="" P="relaying denied" E=550 M= CTXCONN=[early_talker=yes] CTXMESS=[mailfrom_string="MAIL FROM:<a\"b@c>",score=7] 5.7.1 relaying denied
1800000005: R="" L="" C="C4/00-00042-0000C0E0" PATH="" PATH_GRP="" P="sending body response" E=554 M=mail_loop CTXCONN=[] CTXMESS=[mail_loop_header_count=21] 5.4.6 [internal] mail loop: 21 Received headers
1800000060: Marker 1
1800000120: Marker 1
