"""Judge of signatures: python3-dkim. Arguments and output as in verify.pl."""

import sys

import dkim

with open(sys.argv[1], "rb") as lines:
    records = dict(line.rstrip(b"\n").split(b"\t", 1) for line in lines)


def look_up(name, timeout=5):
    return records.get(name.lower().rstrip(b"."))


for path in sys.argv[2:]:
    with open(path, "rb") as file:
        message = file.read()
    results = []
    judge = dkim.DKIM(message)
    count = sum(1 for name, _ in judge.headers if name.lower() == b"dkim-signature")
    for index in range(count):
        judge = dkim.DKIM(message)
        try:
            good = judge.verify(idx=index, dnsfunc=look_up)
            detail = "pass" if good else "fail"
        except dkim.DKIMException as error:
            detail = "invalid (%s)" % error
        selector = (judge.selector or b"?").decode() if getattr(judge, "selector", None) else "?"
        results.append("%s=%s" % (selector, detail))
    passed = "pass" if any(result.endswith("=pass") for result in results) else "fail" if results else "none"
    print("\t".join([path, passed, *results]))
