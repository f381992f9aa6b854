import { type Clock, systemClock } from './clock.js';

/** How often a call is retried, and the delays between. */
export interface RetryPolicy {
	/** Attempts in all, the first included. */
	readonly attempts: number;
	/** Longest delay before the second attempt, in milliseconds; doubles with each further one. */
	readonly baseDelayMs: number;
	/** No delay is longer than this, in milliseconds. */
	readonly maxDelayMs: number;
}

/** Five attempts, with delays of about three seconds together. */
export const DEFAULT_RETRY_POLICY: RetryPolicy = { attempts: 5, baseDelayMs: 200, maxDelayMs: 5000 };

/** For what is not to end because the service is unreachable for a while. */
export const RETRY_FOR_EVER: RetryPolicy = {
	attempts: Number.POSITIVE_INFINITY,
	baseDelayMs: 200,
	maxDelayMs: 10_000,
};

/** What {@link retry} needs besides the task. */
export interface RetryOptions {
	/** Of the error of an attempt, the first of which is 1. */
	readonly isRetryable: (error: unknown, attempt: number) => boolean;
	readonly policy?: RetryPolicy | undefined;
	readonly signal?: AbortSignal | undefined;
	readonly clock?: Clock | undefined;
	/** From 0 to 1. @default Math.random */
	readonly random?: (() => number) | undefined;
}

/**
 * Runs `task` until it succeeds, fails with an error that is not retryable, or has used up its attempts; then its last error
 * is thrown as it is. Delays have full jitter: from 0 to the doubled delay.
 */
export async function retry<T>(task: () => Promise<T>, options: RetryOptions): Promise<T> {
	const {
		isRetryable,
		policy = DEFAULT_RETRY_POLICY,
		signal,
		clock = systemClock,
		random = Math.random,
	} = options;
	for (let attempt = 1; ; attempt++) {
		signal?.throwIfAborted();
		try {
			return await task();
		} catch (error) {
			signal?.throwIfAborted();
			if (attempt >= policy.attempts || !isRetryable(error, attempt)) throw error;
			await clock.sleep(backOffMs(policy, attempt, random), { signal });
		}
	}
}

/** The delay after a number of failures, in milliseconds: full jitter over a delay that doubles up to its cap. */
export function backOffMs(
	{ baseDelayMs, maxDelayMs }: Pick<RetryPolicy, 'baseDelayMs' | 'maxDelayMs'>,
	failures: number,
	random: () => number,
): number {
	return random() * Math.min(maxDelayMs, baseDelayMs * 2 ** (failures - 1));
}
