import type { AckErrorId } from '../wire/ack-error-name.js';
import { type ActiveFaultRule, rulesOf } from './active-fault-rule.js';
import { type BodyStop, streamStops } from './body-stops.js';

/** What goes wrong with one PutMedia. */
export interface PutMediaFaults {
	/** Where its body is not read any further. */
	readonly stops: readonly BodyStop[];
	/** How much longer each fsync takes, in milliseconds. */
	readonly diskDelayMs: number;
	/** The ERROR in place of the fragment of that index in the connection, from 0; null for none. */
	readonly errorIdOf: (index: number) => AckErrorId | null;
}

/** What the rules that fired do to a PutMedia. */
export function putMediaFaults(fired: readonly ActiveFaultRule[]): PutMediaFaults {
	const errors = rulesOf(fired, 'put-error').map(({ rule }) => rule);
	return {
		stops: streamStops(fired, 'request'),
		diskDelayMs: rulesOf(fired, 'slow-disk').reduce((sumMs, { rule }) => sumMs + rule.ms, 0),
		errorIdOf: (index) => errors.find(({ fragment = 1 }) => fragment === index + 1)?.errorId ?? null,
	};
}
