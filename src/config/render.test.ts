import { describe, expect, it } from 'vitest';
import { problemAt, problemKinds } from './problem.js';
import { renderJson, renderProblem, renderProblems } from './render.js';
import { Source } from './source.js';

const at = (text: string, line: number, column: number, width = 1, hint?: string) =>
  problemAt('SYNTAX', { source: new Source('f.conf', text), line, column }, 'No.', { width, hint });

describe('render', () => {
  it('points at the place, tabs and all', () => {
    expect(renderProblem(at('a\r\n\tbé c\r\n', 2, 3, 2, 'Do.'))).toBe('f.conf:2:3: error: No.\n   2 | \tbé c\n     | \t ^^\n     = Do.');
  });

  it('shows controls as pictures, and no line that is empty', () => {
    expect(renderProblem(at('a\u0001\u007f\u001b', 1, 2))).toContain('a␁␡␛');
    expect(renderProblem(at('', 1, 1))).toBe('f.conf:1:1: error: No.');
  });

  it('cuts long lines around the place', () => {
    const line = `${'x'.repeat(500)}Y${'z'.repeat(500)}`;
    const [, shown = '', caret = ''] = renderProblem(at(line, 1, 501, 900)).split('\n');
    expect(shown[caret.indexOf('^')]).toBe('Y');
    expect(shown.length).toBe(167);
    expect(caret.length).toBeLessThanOrEqual(shown.length);
  });

  it('counts errors and notices', () => {
    const notice = { ...at('a', 1, 1), severity: 'notice' as const };
    expect(renderProblems([])).toBe('');
    expect(renderProblems([notice]).split('\n').at(-1)).toBe('1 notice');
    expect(
      renderProblems([notice, at('a', 1, 1), at('a', 1, 1)])
        .split('\n')
        .at(-1),
    ).toBe('2 errors, 1 notice');
  });

  it('gives everything as JSON', () => {
    expect(JSON.parse(renderJson([at('abc', 1, 2, 2, 'Do.')]))).toEqual({
      problems: [
        { code: 'CONFIG_SYNTAX', severity: 'error', file: 'f.conf', line: 1, column: 2, width: 2, say: 'No.', hint: 'Do.', source: 'abc' },
      ],
    });
  });

  it('has a sentence for every code', () => {
    for (const [name, doc] of Object.entries(problemKinds)) expect(`${name} ${doc}`).toMatch(/^[A-Z_]+ [A-Z].*\.$/);
  });
});
