/** Silence, slowness and length, with clocks as numbers. */
import { describe, expect, it } from 'vitest';
import { inboundValues } from '../../../test/fuzz/smtp-rehearsal.js';
import { findLateness, nextLook } from './deadlines.js';

const options = inboundValues({ idle_time: 300, data_timeout: 1800, min_data_rate: 64 });
const quiet = { inputAt: 1000, content: undefined, resting: false };
const sending = (size: number) => ({ inputAt: 1e9, content: { startedAt: 0, size }, resting: false });

describe('findLateness', () => {
  it('is never early', () => {
    expect(findLateness(options, quiet, 301_000)).toBeUndefined();
    expect(findLateness(options, quiet, 301_250)).toBe('silent');
    expect(findLateness(options, { ...quiet, resting: true }, 9e9)).toBeUndefined();
    expect(findLateness(inboundValues({ idle_time: 0 }), quiet, 9e9)).toBeUndefined();
  });

  it('bears a minute of stalling, and then the average', () => {
    expect(findLateness(options, sending(0), 60_000)).toBeUndefined();
    expect(findLateness(options, sending(0), 60_001)).toBe('slow');
    expect(findLateness(options, sending(6400), 160_000)).toBeUndefined();
    expect(findLateness(options, sending(6400), 161_000)).toBe('slow');
    expect(findLateness(inboundValues({ min_data_rate: 0 }), sending(0), 1_799_000)).toBeUndefined();
    expect(findLateness(options, sending(1e9), 1_800_000)).toBe('long');
  });
});

describe('nextLook', () => {
  it('is the first deadline that can pass', () => {
    expect(nextLook(options, quiet, 2000)).toBe(301_250);
    expect(nextLook(inboundValues({ idle_time: 0 }), quiet, 2000)).toBe(0);
    expect(nextLook(options, { inputAt: 0, content: { startedAt: 0, size: 0 }, resting: false }, 5000)).toBe(15_250);
    expect(nextLook(options, { inputAt: 1_795_000, content: { startedAt: 0, size: 0 }, resting: false }, 1_795_000)).toBe(1_800_250);
  });
});
