import { InvalidOptionError } from '../errors.js';
import { checkOptionNames } from '../model/known-options.js';

/**
 * What the service allows for one stream. Every number is the service's own (developer guide, "Service quotas"), and
 * every one can be raised there for an account, or lowered here to leave room for others.
 */
export interface Quotas {
	/** GetMediaForFragmentList calls in any rolling second. @default 5 */
	readonly callsPerSecond: number;
	/** Fragment-media points a second: GetMediaForFragmentList costs one for each fragment requested. @default 500 */
	readonly mediaPointsPerSecond: number;
	/** Fragment-metadata points a second: ListFragments costs its MaxResults. @default 10000 */
	readonly metadataPointsPerSecond: number;
	/** GetMediaForFragmentList responses that may be open at once. @default 5 */
	readonly connections: number;
	/** GetMedia calls in any rolling second. @default 5 */
	readonly liveCallsPerSecond: number;
	/** GetMedia responses that may be open at once. @default 3 */
	readonly liveConnections: number;
}

/** The default quotas of a stream. */
export const SERVICE_QUOTAS: Quotas = {
	callsPerSecond: 5,
	mediaPointsPerSecond: 500,
	metadataPointsPerSecond: 10_000,
	connections: 5,
	liveCallsPerSecond: 5,
	liveConnections: 3,
};

/** Fills in what is not given. Throws {@link InvalidOptionError} for an unknown quota, and for a value that is not a whole number of at least 1. */
export function resolveQuotas(quotas: Partial<Quotas> = {}): Quotas {
	checkOptionNames(quotas, SERVICE_QUOTAS, { within: 'quotas' });
	const given = Object.entries(quotas).filter(([, value]) => value !== undefined);
	const resolved: Quotas = { ...SERVICE_QUOTAS, ...Object.fromEntries(given) };
	for (const [name, value] of Object.entries(resolved)) {
		if (!Number.isInteger(value) || value < 1) {
			throw new InvalidOptionError(`quotas.${name}`, 'a whole number of at least 1', value);
		}
	}
	return resolved;
}
