/** How people are asked, told and spared: what the stores learn of them once there are channels to reach them by. */
import { CatchUps } from '../approvals/catch-ups.ts';
import { copyFor, elapsed, later } from '../approvals/plan.ts';
import { excludedFrom } from '../domain/approval/exclusion.ts';
import { approversOf } from '../domain/approval/record.ts';
import type { Circumstances } from '../domain/approval/time.ts';
import { importanceOfRisk } from '../domain/escalation/plan.ts';
import type { Directory } from '../identity/directory.ts';
import type { Logger } from '../observability/logger.ts';
import type { Core } from './base.ts';
import { followControls, followLinks } from './stores.ts';

/** @returns where those are asked who come to a request */
export function reachPeople(core: Core): Circumstances['copiesFor'] {
  const { config, log, redis, keys, stores, reach } = core;
  const { approvals, directory, links } = stores;
  const copyOf: Circumstances['copyOf'] = ({ origin, request }, id) => {
    const person = directory.find(id);
    const importance = importanceOfRisk(request.risk);
    const place = person && reach.placesOf(person, { askedIn: origin, importance })[0];
    return place && copyFor(id, place, id);
  };
  const copiesFor: Circumstances['copiesFor'] = (approval, approvers, nowMs) => {
    const copies = directory
      .approversOf(approvers, excludedFrom(approval), nowMs)
      .flatMap(({ id }) => copyOf(approval, id) ?? []);
    // Whoever is one of them by a group is known to their platform alone.
    return copies.length === 0 && directory.isGranted(approvers) ? undefined : copies;
  };
  approvals.reachPeopleBy(copiesFor, {
    copyOf,
    nextChange: (approval, nowMs) => directory.nextChange(approversOf(approval), nowMs),
    quietUntil: (person, nowMs) => directory.quietUntil(person, nowMs),
    people: directory.peopleNow(),
    later: ({ policy }, fromMs, lengthMs) =>
      later(policy.hours && config().calendar.hoursNamed(policy.hours.name), fromMs, lengthMs),
    elapsed: ({ policy }, fromMs, untilMs) =>
      elapsed(policy.hours && config().calendar.hoursNamed(policy.hours.name), fromMs, untilMs),
  });
  const catchUps = new CatchUps({ redis, keys, ...stores });
  approvals.sparePeopleBy((approval, nowMs) => catchUps.spared(approval, nowMs));
  const helpers = () =>
    directory
      .holders('take-over')
      .map((person) => ({ person: person.id, name: person.name, to: reach.placesOf(person)[0]?.to }));
  followControls(stores, config, helpers, core.gateways);
  followLinks(stores, config, reach);
  links.onChange(() => sayDisputed(directory, log));
  return copiesFor;
}

/** An account that two say is somebody else's: `contacts.yaml` wins, and somebody has to hear of it. */
export function sayDisputed(directory: Directory, log: Logger): void {
  for (const { account, linked, owner } of directory.disputed()) {
    log.error(
      { account, linked, owner },
      'an account of contacts.yaml is linked to somebody else as well; contacts.yaml counts. Take one of them back: `signalbox people unlink`',
    );
  }
}
