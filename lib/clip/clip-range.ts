import { InvalidOptionError } from '../errors.js';
import { type ResolvedTimeRange, resolveTimeRange, type TimeRange } from '../model/time-range.js';

/**
 * Checks the range of a clip by every rule of the service that needs no look at the stream: an end after its start and, on the
 * server's clock, not in the future. A longer range than a day is divided. `nowMs`: epoch milliseconds. Throws
 * {@link InvalidOptionError}.
 */
export function resolveClipRange(range: TimeRange, nowMs: number): ResolvedTimeRange {
	const resolved = resolveTimeRange(range);
	const { fromMs, toMs, by } = resolved;
	if (toMs === fromMs) {
		throw new InvalidOptionError('to', `after \`from\` (${new Date(fromMs).toISOString()})`, range.to);
	}
	if (by === 'server' && toMs > nowMs) {
		const now = new Date(nowMs).toISOString();
		throw new InvalidOptionError('to', `not in the future on the server's clock (it is ${now})`, range.to);
	}
	return resolved;
}
