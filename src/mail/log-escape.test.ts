import { describe, expect, it } from 'vitest';
import { escapeControls } from './log-escape.js';
import { formatMessageId } from './message-id.js';

describe('escapeControls', () => {
  it.each([
    ['plain ü text', 'plain ü text'],
    ['a\r\nb', 'a\\x0d\\x0ab'],
    ['\u001b[31mred', '\\x1b[31mred'],
    ['\0\x7f\u0085', '\\x00\\x7f\\x85'],
    ['a\u2028b\u202ec', 'a\\u2028b\\u202ec'],
    ['C:\\dir', 'C:\\dir'],
  ])('%j → %j', (text, safe) => expect(escapeControls(text)).toBe(safe));
});

describe('formatMessageId', () => {
  it('leaves no slash', () => expect(formatMessageId('B3/1D-18426-471AACF3', 'mx.test')).toBe('<B3.1D-18426-471AACF3@mx.test>'));
});
