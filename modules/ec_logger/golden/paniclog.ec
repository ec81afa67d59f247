1800000001:dkim_sign:sig: the key /etc/k.pem cannot be read
1800000002:spool: a segment is damaged second line
