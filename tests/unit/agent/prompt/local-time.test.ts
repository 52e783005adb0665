import { describe, expect, it } from 'vitest';
import { LocalTime } from '../../../../src/agent/prompt/local-time.ts';

const BERLIN = 'Europe/Berlin';

describe('the time the model is told', () => {
  it('is the day and the time of its place', () => {
    expect(new LocalTime().textAt(Date.parse('2026-03-01T11:30:00Z'), BERLIN)).toBe(
      'Sunday 2026-03-01 12:30 (Europe/Berlin)',
    );
  });

  it('is another one in the next minute, in another place, and when a clock goes back', () => {
    const time = new LocalTime();
    const at = (text: string, zone: string) => time.textAt(Date.parse(text), zone);

    expect(at('2026-03-01T11:30:59.999Z', BERLIN)).toContain('12:30');
    expect(at('2026-03-01T11:31:00Z', BERLIN)).toContain('12:31');
    expect(at('2026-03-01T11:31:00Z', 'Asia/Tokyo')).toBe('Sunday 2026-03-01 20:31 (Asia/Tokyo)');
    expect(at('2026-03-01T11:30:00Z', BERLIN)).toContain('12:30');
  });

  it('is of the place that is set, and otherwise of the machine', () => {
    const time = new LocalTime();

    expect(time.zoneOf({ time_zone: BERLIN })).toBe(BERLIN);
    expect(time.zoneOf({})).toBe(Intl.DateTimeFormat().resolvedOptions().timeZone);
  });
});
