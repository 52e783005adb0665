/** What the machine asks about the world outside the record. All of it is looked up; nothing is changed. */
import type { PersonId } from '../ids.ts';
import type { Importance } from '../person.ts';
import type { Target } from './plan.ts';
import type { Link } from './record.ts';

export interface Surroundings {
  readonly nowMs: number;
  /** Who a target is at an instant; nobody for a channel, which is no person. Absent people are left out, and whoever stands in for them is there instead. */
  peopleOf(target: Target, atMs: number): readonly PersonId[];
  /** When that may change next; undefined when it does not by time alone. */
  changesAt(target: Target, atMs: number): number | undefined;
  /** Every id somebody may go by, their own first. */
  idsOf(person: PersonId): readonly PersonId[];
  /** The ways somebody is called, best first; empty when there is none. */
  linksOf(person: PersonId, importance: Importance): readonly Link[];
  /** When somebody may be disturbed for something so important: `atMs`, or the end of their quiet hours. */
  tellableAt(person: PersonId, importance: Importance, atMs: number): number;
  /** Whether something can be posted to a channel of this platform. */
  canPost(platform: string): boolean;
  /** Whether these working hours are open. */
  isOpen(hours: string, atMs: number): boolean;
  /** When these working hours open next, `atMs` itself if they are; undefined when never. */
  opensAt(hours: string, atMs: number): number | undefined;
  /** When so much time of these working hours has passed; undefined when never. */
  after(hours: string, fromMs: number, forMs: number): number | undefined;
}
