import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Headers } from './headers.js';

type Step =
  | readonly ['prepend' | 'append' | 'replace', string, string]
  | readonly ['remove', string]
  | readonly ['read']
  | readonly ['bytes'];

const name = fc.constantFrom('Subject', 'subject', 'X-A', 'Received');
const value = fc.string({ unit: fc.constantFrom('a', 'b c', '\r\n ', '\r\n', '\n', '\r', '\0', 'é', ':', '\t') });
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.tuple(fc.constantFrom('prepend', 'append', 'replace'), name, value),
  fc.tuple(fc.constant('remove'), name),
  fc.tuple(fc.constantFrom('read', 'bytes')),
);

const parse = (text: string): string[] => text.split(/\r\n(?![ \t])/).slice(0, -2);
const START = 'From: a@b.test\r\nSubject: one\r\n two\r\nno field at all\r\nX-A: 1\r\nSUBJECT: again\r\n\r\n';

describe('Headers', () => {
  it('does what a plain list would do, whatever is asked in whatever order, and no value adds a field', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 12 }), fc.boolean(), (steps, empty) => {
        const headers = new Headers(Buffer.from(empty ? '' : START));
        let model = empty ? [] : parse(START);
        let touched = false;
        const nameOf = (field: string) => field.split(':', 1)[0]?.toLowerCase();
        for (const [what, key = '', text = ''] of steps) {
          const has = model.some((field) => nameOf(field) === key.toLowerCase());
          if (what === 'read') void headers.get('subject');
          else if (what === 'bytes') void headers.bytes();
          else if (what === 'remove') {
            headers.remove(key);
            touched ||= has;
            model = model.filter((field) => nameOf(field) !== key.toLowerCase());
          } else {
            headers[what](key, text);
            touched = true;
            const added = `${key}: MARK`;
            if (what === 'prepend') model.unshift(added);
            else if (what === 'append' || !has) model.push(added);
            else {
              const first = model.findIndex((field) => nameOf(field) === key.toLowerCase());
              model = model.filter((field, i) => i === first || nameOf(field) !== key.toLowerCase());
              model[first] = added;
            }
          }
        }
        const written = headers.bytes().toString();
        if (!touched) expect(written).toBe(empty ? '' : START);
        else {
          const names = (fields: readonly string[]) => fields.map((field) => (field.includes(':') ? nameOf(field) : ''));
          expect(names(parse(written))).toEqual(names(model));
          expect(written.endsWith('\r\n\r\n') || written === '\r\n').toBe(true);
          expect(written).not.toMatch(/(?<!\r)\n|\r(?!\n)|\0/);
          expect(new Headers(Buffer.from(written)).fields().map((f) => f.name)).toEqual(headers.fields().map((f) => f.name));
        }
      }),
      { numRuns: 2000 },
    );
  });
});
