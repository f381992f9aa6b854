import type { RateLimiter } from 'kvs-archive';

/** Lets every call through at once, for tests of anything but the pace. */
export const unlimited: RateLimiter = {
	acquire: async () => ({ sent: () => {}, closed: () => {}, cancel: () => {} }),
};
