import type { Quotas } from './quotas.js';
import { type Permit, QuotaLimiter, type RateLimiter, type RequestCost } from './rate-limiter.js';

/** The process's limiters by endpoint, region and stream. A limiter that nothing refers to leaves the map. */
const limiters = new Map<string, WeakRef<QuotaLimiter>>();

const unreferenced = new FinalizationRegistry<string>((key) => {
	if (limiters.get(key)?.deref() === undefined) limiters.delete(key);
});

/**
 * The process's limiter of a stream: all whose `key` resolves to the same text spend the same quotas. The key is resolved
 * at the first request, as the region may stand in a configuration file. `quotas`, where given, are the limiter's from
 * then on, for all who share it.
 */
export function sharedRateLimiter(key: () => Promise<string>, quotas?: Partial<Quotas>): RateLimiter {
	let limiter: Promise<QuotaLimiter> | null = null;
	return {
		async acquire(cost: RequestCost, signal?: AbortSignal): Promise<Permit> {
			limiter ??= key().then((resolved) => limiterOf(resolved, quotas));
			return (await limiter).acquire(cost, signal);
		},
	};
}

/** What limits the calls of one stream: what was given, where it was, else what the process has for the `key`. */
export function streamLimiter(
	given: RateLimiter | undefined,
	key: () => Promise<string>,
	quotas?: Partial<Quotas>,
): RateLimiter {
	return given?.forStream?.(key) ?? given ?? sharedRateLimiter(key, quotas);
}

function limiterOf(key: string, quotas: Partial<Quotas> | undefined): QuotaLimiter {
	const known = limiters.get(key)?.deref();
	if (known !== undefined) {
		if (quotas !== undefined) known.configure(quotas);
		return known;
	}
	const limiter = new QuotaLimiter(quotas);
	limiters.set(key, new WeakRef(limiter));
	unreferenced.register(limiter, key);
	return limiter;
}
