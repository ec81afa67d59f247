import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { opt } from '../opt.js';
import { type Option, OptionError, type Raw } from '../option.js';

const doc = 'A test.';

function refusal(option: Option<unknown>, raw: Raw): OptionError {
  try {
    option.parse(raw);
  } catch (error) {
    if (error instanceof OptionError) return error;
    throw error;
  }
  throw new Error(`${JSON.stringify(raw)} was taken`);
}

/** Rows of: what is written, what it means, how it is spelled. */
function takes(name: string, option: Option<unknown>, rows: readonly (readonly [Raw, unknown, string])[]): void {
  it.each(rows)(`${name} takes %j`, (raw, value, spelled) => {
    const read = option.parse(raw);
    expect(read).toEqual(value);
    expect(option.print(read)).toBe(spelled);
  });
}

function refuses(name: string, option: Option<unknown>, rows: readonly (readonly [Raw, string, string?])[]): void {
  for (const [raw, say, hint] of rows) {
    it(`${name} refuses ${JSON.stringify(raw)}`, () => {
      const error = refusal(option, raw);
      expect(error.message).toBe(say);
      expect(error.hint).toBe(hint);
    });
  }
}

describe('texts', () => {
  takes('string', opt.string({ doc }), [
    ['a b', 'a b', '"a b"'],
    ['a"b\\c\n', 'a"b\\c\n', String.raw`"a\"b\\c\n"`],
  ]);
  refuses('string', opt.string({ doc }), [
    ['', 'The value is empty.'],
    [['a'], 'One value is wanted, not a list.'],
    [{ a: 'b' }, 'One value is wanted, not a dictionary.'],
  ]);
  takes('blank', opt.blank({ doc }), [['', '', '""']]);
  takes('secret', opt.secret({ doc }), [['hush', 'hush', '"********"']]);
  takes('bool', opt.bool({ doc }), [
    ['TRUE', true, 'true'],
    ['enabled', true, 'true'],
    ['1', true, 'true'],
    ['off', false, 'false'],
    ['no', false, 'false'],
  ]);
  refuses('bool', opt.bool({ doc }), [
    ['tru', '"tru" is neither true nor false.', 'Did you mean "true"?'],
    ['2', '"2" is neither true nor false.'],
  ]);
  const choice = opt.choice('no', 'IfAvailable')({ doc, also: { false: 'no' } });
  takes('choice', choice, [
    ['ifavailable', 'IfAvailable', 'IfAvailable'],
    ['FALSE', 'no', 'no'],
  ]);
  refuses('choice', choice, [['ifavialable', '"ifavialable" is not one of no, IfAvailable.', 'Did you mean "IfAvailable"?']]);
});

describe('numbers', () => {
  takes('int', opt.int({ doc, min: -1 }), [
    ['-1', -1, '-1'],
    ['007', 7, '7'],
  ]);
  refuses('int', opt.int({ doc }), [
    ['-1', 'The value must be at least 0.'],
    ['1.5', '"1.5" is not a whole number.'],
    ['0x10', '"0x10" is not a whole number.'],
    ['9007199254740993', '"9007199254740993" is too large a number.'],
  ]);
  refuses('int', opt.int({ doc, min: 1, max: 9 }), [['10', 'The value must be from 1 to 9.']]);
  takes('number', opt.number({ doc }), [
    ['-.5', -0.5, '-0.5'],
    ['1e3', 1000, '1000'],
  ]);
  refuses('number', opt.number({ doc, max: 1 }), [
    ['2', 'The value must be at most 1.'],
    ['one', '"one" is not a number.'],
  ]);
  const either = opt.intOr('auto', 'none')({ doc, min: 1 });
  takes('intOr', either, [
    ['Auto', 'auto', 'auto'],
    ['3', 3, '3'],
  ]);
  refuses('intOr', either, [
    ['0', 'The value must be at least 1.'],
    ['autp', '"autp" is neither a number nor one of auto, none.', 'Did you mean "auto"?'],
  ]);
  takes('numberOr', opt.numberOr('normal')({ doc }), [['.75', 0.75, '0.75']]);
  takes('seconds', opt.seconds({ doc }), [
    ['300', 300, '300'],
    ['4 hours', 14_400, '14400'],
    ['1h30m', 5400, '5400'],
    ['1.5 Days', 129_600, '129600'],
    ['2 weeks', 1_209_600, '1209600'],
    ['3000ms', 3, '3'],
    ['1 min 10 sec', 70, '70'],
  ]);
  refuses('seconds', opt.seconds({ doc, min: 1 }), [
    ['soon', '"soon" is not a duration.', 'Write a number of seconds, or a number with a unit: "4 hours".'],
    ['-3', '"-3" is not a duration.', 'Write a number of seconds, or a number with a unit: "4 hours".'],
    ['3 horus', '"horus" is not a unit of time.', 'Did you mean "hours"?'],
    ['0.5', 'Only whole seconds are possible.'],
    ['0', 'The value must be at least 1 s.'],
  ]);
  takes('milliseconds', opt.milliseconds({ doc }), [
    ['5000', 5000, '5000'],
    ['2 s', 2000, '2000'],
  ]);
  refuses('milliseconds', opt.milliseconds({ doc, max: 10 }), [['11', 'The value must be at most 10 ms.']]);
  takes('size', opt.size({ doc }), [
    ['100', 100, '100'],
    ['10k', 10_240, '10240'],
    ['1.5M', 1_572_864, '1572864'],
    ['2 GiB', 2_147_483_648, '2147483648'],
    ['3KB', 3072, '3072'],
  ]);
  refuses('size', opt.size({ doc, min: 10 }), [
    ['10X', '"10X" is not a size.', 'Write bytes, or a number with k, M or G: 10M.'],
    ['99999999999T', '"99999999999T" is not a size.', 'Write bytes, or a number with k, M or G: 10M.'],
    ['9', 'The value must be at least 10.'],
  ]);
  takes('percent', opt.percent({ doc }), [
    ['90', 90, '90%'],
    ['12.5 %', 12.5, '12.5%'],
  ]);
  refuses('percent', opt.percent({ doc }), [['101', 'The value must be from 0 to 100.']]);
  takes('permissions', opt.permissions({ doc }), [
    ['0640', 0o640, '0640'],
    ['640', 0o640, '0640'],
    ['0o007', 7, '0007'],
    ['04755', 0o4755, '04755'],
  ]);
  refuses('permissions', opt.permissions({ doc }), [['0680', '"0680" is not a file mode.', 'Write it in octal: 0640.']]);
  takes('throttle', opt.throttle({ doc }), [
    ['20', { count: 20, seconds: 1 }, '"20/1"'],
    ['500 / 10', { count: 500, seconds: 10 }, '"500/10"'],
    ['0', 'none', '0'],
    ['0/5', 'none', '0'],
    ['None', 'none', '0'],
  ]);
  refuses('throttle', opt.throttle({ doc }), [
    ['5/0', 'A throttle counts over at least one second.'],
    ['5/s', '"5/s" is not a throttle.', 'Write "N" for N in a second, or "N/S" for N in S seconds.'],
  ]);
});

describe('addresses, paths, patterns', () => {
  takes('ip', opt.ip({ doc }), [
    ['192.0.2.1', '192.0.2.1', '192.0.2.1'],
    ['[2001:db8::1]', '2001:db8::1', '2001:db8::1'],
  ]);
  refuses('ip', opt.ip({ doc }), [['192.0.2.300', '"192.0.2.300" is not an IP address.']]);
  takes('address', opt.address({ doc, port: 25 }), [
    [':2525', { kind: 'tcp', host: '0.0.0.0', port: 2525 }, '"0.0.0.0:2525"'],
    ['[::1]', { kind: 'tcp', host: '::1', port: 25 }, '"[::1]:25"'],
  ]);
  refuses('address', opt.address({ doc }), [['127.0.0.1', 'The port is missing in "127.0.0.1".']]);
  refuses('cidrs', opt.cidrs({ doc }), [
    [['10.0.0.0/8', '10.0.0/8'], '"10.0.0/8" is neither an address nor a network.', 'Write an address or a network such as 10.0.0.0/8.'],
    [['[::1]'], '"[::1]" is neither an address nor a network.', 'Here IPv6 stands without brackets.'],
    [{ a: 'b' }, 'A list ( … ) is wanted, not a dictionary.'],
    [['10.0.0.0/8,', '::1'], 'Items of a list are separated by blanks, without commas.', 'Write 10.0.0.0/8.'],
    [['a', ',', 'b'], 'Items of a list are separated by blanks, without commas.', 'Take the comma out.'],
  ]);
  it('cidrs can be asked', () => {
    const option = opt.cidrs({ doc });
    const networks = option.parse('10.0.0.0/8, ::1 2001:db8::/32');
    expect([networks?.has('10.1.1.1'), networks?.has('::1'), networks?.has('11.0.0.1'), networks?.has('no'), networks?.size]).toEqual([
      true,
      true,
      false,
      false,
      3,
    ]);
    expect(option.print(networks)).toBe('( 10.0.0.0/8 ::1 2001:db8::/32 )');
    expect(option.parse([])?.has('10.0.0.1')).toBe(false);
    expect(refusal(option, ['::1', 'x']).path).toEqual([1]);
  });
  refuses('globs', opt.globs({ doc }), [
    ['a.*.b', '"a.*.b" has a star that is not at its beginning.', 'Only patterns such as *.example.com are possible.'],
  ]);
  it('globs can be asked', () => {
    const option = opt.globs({ doc });
    const globs = option.parse(['example.test', '*.Below.test', '*ends.test']);
    const holds = (name: string): boolean | undefined => globs?.has(name);
    expect(['EXAMPLE.test', 'a.below.test', 'a.b.below.test', 'ends.test', 'badends.test'].map(holds)).toEqual([
      true,
      true,
      true,
      true,
      true,
    ]);
    expect(['below.test', 'x.example.test', 'other.test', ''].map(holds)).toEqual([false, false, false, false]);
    expect(option.print(globs)).toBe('( example.test *.Below.test *ends.test )');
    expect([globs?.size, option.parse('*')?.has('any.thing'), option.parse('*.')?.has('x.')]).toEqual([3, true, true]);
  });
  takes('path', opt.path({ doc }), [['/a b', '/a b', '"/a b"']]);
  refuses('path', opt.path({ doc }), [
    ['', 'A path is wanted.'],
    ['a\0b', 'A path is wanted.'],
  ]);
  takes('pathOrNone', opt.pathOrNone({ doc }), [
    ['NONE', 'none', 'none'],
    ['/x', '/x', '"/x"'],
  ]);
  takes('url', opt.url({ doc }), [['digest:///x', 'digest:///x', '"digest:///x"']]);
  refuses('url', opt.url({ doc, schemes: ['file'] }), [
    ['http://x', 'The scheme must be one of file.'],
    ['/x', '"/x" is not a URI.'],
  ]);
  takes('regex', opt.regex({ doc }), [
    ['/a\\.b/', /a\.b/, '"/a\\.b/"'],
    ['(?i)^x/y$', /^x\/y$/i, '"/(?i)^x/y$/"'],
  ]);
  refuses('regex', opt.regex({ doc }), [
    ['(', 'The regular expression does not compile: Unterminated group.'],
    ['//', 'The regular expression is empty: it would match everything.'],
  ]);
  it('tells a bad pattern from other mistakes', () => expect(refusal(opt.regex({ doc }), '(').regex).toBe(true));
});

describe('several values', () => {
  takes('strings', opt.strings({ doc }), [
    ['a, b  c', ['a', 'b', 'c'], '( a b c )'],
    [['AUTH LOGIN'], ['AUTH LOGIN'], '( "AUTH LOGIN" )'],
    [[], [], '( )'],
  ]);
  takes('list', opt.list(opt.int({ doc }))({ doc }), [
    [['1', '2'], [1, 2], '( 1 2 )'],
    [[], [], '( )'],
  ]);
  it('list tells which item is wrong', () => expect(refusal(opt.list(opt.int({ doc }))({ doc }), ['1', 'x']).path).toEqual([1]));
  it('list does not hide mistakes of the code', () => {
    const broken = { ...opt.int({ doc }), parse: () => JSON.parse('{') as number };
    expect(() => opt.list(broken)({ doc }).parse(['1'])).toThrow(SyntaxError);
  });
  takes('regexes', opt.regexes({ doc }), [
    [['/a/', '^b$'], [/a/, /^b$/], '( "/a/" "/^b$/" )'],
    [[], [], '( )'],
  ]);
  takes('map', opt.map({ doc }), [
    [{ a: 'b c', __proto__x: 'd' }, { a: 'b c', __proto__x: 'd' }, '[ a = "b c"  __proto__x = d ]'],
    [{}, {}, '[ ]'],
  ]);
  refuses('map', opt.map({ doc, keys: ['uri'] }), [
    ['x', 'A dictionary is wanted.', 'Write [ key = value ].'],
    [['x'], 'A dictionary is wanted.', 'Write [ key = value ].'],
    [{ ur: 'x' }, '"ur" is not one of uri.'],
    [{ uri: ['x'] }, '"uri" must have one value.'],
  ]);
  it('map has no prototype', () => {
    const read = opt.map({ doc }).parse(JSON.parse('{"__proto__":"x"}') as Raw);
    expect(Object.getPrototypeOf(read)).toBeNull();
    expect(Object.keys(read ?? {})).toEqual(['__proto__']);
  });
  takes('range', opt.range({ doc }), [[['1', '5'], [1, 5], '( 1 5 )']]);
  refuses('range', opt.range({ doc }), [
    [['5', '1'], 'Two numbers are wanted, the low one first: ( 1 5 ).'],
    [['1'], 'Two numbers are wanted, the low one first: ( 1 5 ).'],
  ]);
});

describe('every kind', () => {
  it('prints nothing for what is unset', () => expect(opt.int({ doc }).print(undefined)).toBe(''));

  it('checks further when asked to', () => {
    expect(refusal(opt.int({ doc, check: (n) => (n === 13 ? 'Not thirteen.' : undefined) }), '13').message).toBe('Not thirteen.');
  });

  it('has its defaults where nothing is declared', () => {
    expect(opt.int({ doc })).toMatchObject({
      required: false,
      reload: 'live',
      scopes: [],
      origin: 'momentum',
      effect: 'harmless',
      loose: [],
      hidden: false,
    });
    expect(opt.secret({ doc }).hidden).toBe(true);
  });

  it('never throws anything but OptionError', () => {
    const options: readonly Option<unknown>[] = [
      opt.string({ doc }),
      opt.bool({ doc }),
      opt.int({ doc }),
      opt.seconds({ doc }),
      opt.size({ doc }),
      opt.percent({ doc }),
      opt.octal({ doc }),
      opt.throttle({ doc }),
      opt.ip({ doc }),
      opt.address({ doc }),
      opt.cidrs({ doc }),
      opt.globs({ doc }),
      opt.path({ doc }),
      opt.url({ doc }),
      opt.regex({ doc }),
      opt.strings({ doc }),
      opt.map({ doc }),
      opt.range({ doc }),
      opt.intOr('a')({ doc }),
      opt.choice('a', 'b')({ doc }),
    ];
    const text = fc.oneof(fc.string({ unit: 'binary', maxLength: 30 }), fc.stringMatching(/^[0-9a-z:.[\]/ %-]{0,20}$/));
    const raw: fc.Arbitrary<Raw> = fc.oneof(text, fc.array(text, { maxLength: 4 }), fc.dictionary(text, text, { maxKeys: 3 }));
    fc.assert(
      fc.property(raw, fc.constantFrom(...options), (value, option) => {
        try {
          const read = option.parse(value);
          return typeof option.print(read) === 'string';
        } catch (error) {
          return error instanceof OptionError;
        }
      }),
      { numRuns: 3000 },
    );
  });
});
