import { type Clock, systemClock } from './clock.js';

/** How often and how patiently a call is tried again. */
export interface RetryPolicy {
	/** Tries in all, the first included. */
	readonly attempts: number;
	/** Longest wait before the second try, in milliseconds; doubles with each further one. */
	readonly baseDelayMs: number;
	/** No wait is longer than this, in milliseconds. */
	readonly maxDelayMs: number;
}

/** Five tries within about three seconds of waiting. */
const DEFAULT_RETRY_POLICY: RetryPolicy = { attempts: 5, baseDelayMs: 200, maxDelayMs: 5000 };

/** What {@link retry} needs besides the task. */
export interface RetryOptions {
	readonly isRetryable: (error: unknown) => boolean;
	readonly policy?: RetryPolicy | undefined;
	readonly signal?: AbortSignal | undefined;
	readonly clock?: Clock | undefined;
	/** From 0 to 1. @default Math.random */
	readonly random?: (() => number) | undefined;
}

/**
 * Runs `task` until it succeeds, fails in a way that a retry cannot help, or the attempts are spent; then its last error
 * is thrown as it is. Waits with full jitter: anything from nothing to the doubled delay.
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
			if (attempt >= policy.attempts || !isRetryable(error)) throw error;
			await clock.sleep(backOffMs(policy, attempt, random), { signal });
		}
	}
}

/** How long to wait after so many failures, in milliseconds: full jitter over a delay that doubles up to its cap. */
export function backOffMs(
	{ baseDelayMs, maxDelayMs }: Pick<RetryPolicy, 'baseDelayMs' | 'maxDelayMs'>,
	failures: number,
	random: () => number,
): number {
	return random() * Math.min(maxDelayMs, baseDelayMs * 2 ** (failures - 1));
}
