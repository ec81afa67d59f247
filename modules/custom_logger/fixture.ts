/** Events of all kinds for tests, with everything in them that a specifier can ask for. */
import { Address, type Attempt, bodyOf, Copy, type MacroEvent, type Reception, reject, STAGE } from '#module';
import { Facts } from '../../src/mail/facts.js';
import { Headers } from '../../src/mail/headers.js';
import { makeSession } from '../../src/module/fixture.js';
import { PlaceTable } from '../../src/module/place.js';

/** When all of it begins, wall milliseconds: 2027-01-15 08:00:00 UTC. */
export const START = 1_800_000_000_000;
const places = new PlaceTable();

export const factsOf = (pairs: Readonly<Record<string, string>>): Facts => {
  const facts = new Facts();
  for (const [key, value] of Object.entries(pairs)) facts.set(key, value);
  return facts;
};

/** A message of a client that logged in, with a subject in ISO-2022-JP. */
export function makeMail(
  more: Partial<Reception> = {},
  headers = 'Subject: =?ISO-2022-JP?B?GyRCRnxLXDhsGyhC?=\r\nX-Tag: one\r\nX-Tag: two',
): Copy {
  const reception: Reception = {
    batchId: 'B1/00-00042-0000BA7C',
    connectionId: 'C1/00-00042-0000C0DE',
    protocol: 'esmtp',
    source: { ip: '192.0.2.10', port: 41000 },
    receivedAt: START + 123,
    sender: new Address('alice', 'example.com'),
    facts: factsOf({ tenant: 'acme', auth_name: 'PLAIN' }),
    user: 'alice@example.com',
    pathway: 'partners',
    smtpUtf8: false,
    ...more,
  };
  const block = new Headers(Buffer.from(`${headers}\r\n\r\n`, 'latin1'));
  const mail = new Copy(
    'M1/00-00042-00000001',
    reception,
    [new Address('bob', 'example.net')],
    block,
    bodyOf([Buffer.from('hello\r\n')]),
    factsOf({ campaign: 'spring sale' }),
  );
  mail.place = places.of('tenants', 'acme', 'gateway.example.net');
  return mail;
}

export function makeAttempt(mail: Copy, more: Partial<Attempt> = {}): Attempt {
  return {
    mail,
    place: mail.place,
    at: START + 5456,
    connectionId: 'O1/00-00042-00000ABC',
    stage: STAGE.readingConfirmation,
    bytes: 21,
    hop: { name: 'mx.example.net', ip: '198.51.100.25', port: 25 },
    bounceClass: 0,
    possibleDuplicate: false,
    tls: undefined,
    outcome: 'delivered',
    reply: '250 2.0.0 OK',
    ...more,
  };
}

/** One event of each kind; a rejection in front of MAIL FROM and one at RCPT. */
export function makeEvents(): Readonly<Record<string, MacroEvent>> {
  const mail = makeMail();
  const session = makeSession({ phase: 1, pathway: 'partners', pathwayGroup: 'inbound' });
  const ended = (attempt: Attempt, kind: MacroEvent['kind']): MacroEvent => ({ kind, attempt, mail, place: mail.place, at: attempt.at });
  const failing = { stage: STAGE.duringRcptTo, bounceClass: 10, bytes: 0 } as const;
  mail.attempts = 2;
  const fresh = makeMail();
  const draft = makeMail();
  draft.recipients = [];
  return {
    reception: { kind: 'reception', mail: fresh, place: fresh.place, session, at: fresh.reception.receivedAt },
    delivery: ended(makeAttempt(mail), 'delivery'),
    transient_failure: ended(makeAttempt(mail, { ...failing, outcome: 'deferred', reply: '451 4.7.1 later\tplease' }), 'transient_failure'),
    permanent_failure: ended(makeAttempt(mail, { ...failing, outcome: 'failed', reply: '550 5.1.1 no such user' }), 'permanent_failure'),
    unconnected: ended(
      makeAttempt(mail, {
        connectionId: '',
        hop: undefined,
        stage: STAGE.notConnected,
        bounceClass: 21,
        outcome: 'failed',
        reply: '554 5.4.4 none',
      }),
      'permanent_failure',
    ),
    'rejection at connect': {
      kind: 'rejection',
      session,
      rejection: { session, phase: 1, module: 'conntrol', reply: reject('550 5.7.1 relaying denied').reply, at: START + 999 },
      at: START + 999,
    },
    'rejection at RCPT': {
      kind: 'rejection',
      session,
      mail: draft,
      rejection: {
        session,
        phase: 6,
        module: '',
        reply: reject('550 5.7.1 relaying denied').reply,
        draft,
        recipient: new Address('carol', 'elsewhere.test'),
        at: START + 999,
      },
      at: START + 999,
    },
  };
}
