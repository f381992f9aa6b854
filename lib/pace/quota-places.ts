import { type Quotas, resolveQuotas } from './quotas.js';

/**
 * How long a request counts of whose response nothing is known, in milliseconds. A second, and what requests may bunch up on their
 * way: the service counts where they arrive. With 1,010 ms six calls were once seen in a second.
 */
export const HOLD_MS = 1050;

/**
 * What a request takes places of, in the order in which they are waited for: nothing scarce is held while something else is
 * waited for.
 */
export const PLACES_IN_ORDER = [
	'connections',
	'liveConnections',
	'metadataPoints',
	'mediaPoints',
	'calls',
	'liveCalls',
] as const;

/** One of {@link PLACES_IN_ORDER}. */
export type PlaceName = (typeof PLACES_IN_ORDER)[number];

/** How many places there are of each. */
export type Places = Readonly<Record<PlaceName, number>>;

/** Those that are held until the response has ended, and not for a second. */
export const CONNECTIONS: ReadonlySet<PlaceName> = new Set(['connections', 'liveConnections']);

/** The places that quotas allow, the service's where none is given. Throws `InvalidOptionError`. */
export function placesOf(quotas: Partial<Quotas>): Places {
	const resolved = resolveQuotas(quotas);
	return {
		connections: resolved.connections,
		metadataPoints: resolved.metadataPointsPerSecond,
		mediaPoints: resolved.mediaPointsPerSecond,
		calls: resolved.callsPerSecond,
		liveConnections: resolved.liveConnections,
		liveCalls: resolved.liveCallsPerSecond,
	};
}
