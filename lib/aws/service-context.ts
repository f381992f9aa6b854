import type { Clock } from '../pace/clock.js';
import type { RateLimiter } from '../pace/rate-limiter.js';
import type { ArchiveClient } from './archive-client.js';

/** What calls to the service are made with. */
export interface ServiceContext {
	readonly client: ArchiveClient;
	/** Paces the calls. */
	readonly limiter: RateLimiter;
	readonly clock: Clock;
}
