/**
 * The time as the model is told it, in the time zone of this place.
 *
 * What formats it is kept, and the words of the present minute: to make either takes longer than all else that is put
 * together for a turn.
 */
export class LocalTime {
  #formats: { readonly zone: string; readonly day: Format; readonly moment: Format } | undefined;
  #words: { readonly zone: string; readonly minute: number; readonly text: string } | undefined;
  #machineZone: string | undefined;

  /** Of the settings, or of the machine. */
  zoneOf({ time_zone }: { readonly time_zone?: string | undefined }): string {
    if (time_zone !== undefined) return time_zone;
    this.#machineZone ??= Intl.DateTimeFormat().resolvedOptions().timeZone;
    return this.#machineZone;
  }

  /** `Saturday 2026-11-21 21:30 (Europe/Berlin)` */
  textAt(nowMs: number, zone: string): string {
    const minute = Math.floor(nowMs / 60_000);
    if (this.#words?.minute === minute && this.#words.zone === zone) return this.#words.text;
    const { day, moment } = this.#formatsFor(zone);
    const text = `${day.format(nowMs)} ${moment.format(nowMs)} (${zone})`;
    this.#words = { zone, minute, text };
    return text;
  }

  #formatsFor(zone: string) {
    if (this.#formats?.zone === zone) return this.#formats;
    this.#formats = {
      zone,
      day: new Intl.DateTimeFormat('en-GB', { weekday: 'long', timeZone: zone }),
      // Swedish writes dates as ISO 8601 does.
      moment: new Intl.DateTimeFormat('sv-SE', { dateStyle: 'short', timeStyle: 'short', timeZone: zone }),
    };
    return this.#formats;
  }
}

type Format = Pick<Intl.DateTimeFormat, 'format'>;
