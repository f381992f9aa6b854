import { isRetryableRequest } from '../aws/aws-errors.js';
import type { ServiceContext } from '../aws/service-context.js';
import { ArchiveError, RequestError } from '../errors.js';
import { DEFAULT_RETRY_POLICY, RETRY_FOR_EVER, retry } from '../pace/retry.js';

/** How long a stream may take to become active after it was made, and how often that is asked for. */
const MAX_CREATION_MS = 60_000;
const POLL_INTERVAL_MS = 500;

/** How long an unreachable service is tried, as by a camera that starts before it, in milliseconds. */
const MAX_AWAY_MS = 60_000;

/** What a producer must know of its stream. */
export interface StreamState {
	/** Whether it keeps what is put into it: only then are fragments acknowledged as PERSISTED. */
	readonly isPersistent: boolean;
}

/** What {@link ensureStream} is called with. */
export interface EnsureStreamContext extends Pick<ServiceContext, 'client' | 'clock'> {
	/** Hours that a stream which is made keeps its media; null where none is to be made. */
	readonly createdRetentionHours: number | null;
	/** Called once, where the service cannot be reached and is tried again. */
	readonly onUnreachable: (error: Error) => void;
	readonly signal: AbortSignal;
}

/**
 * Looks whether the stream exists, and makes it where it does not and that is wanted; then waits until it is active. Rejects
 * with `RequestError`, and with `ArchiveError` (`KVS_WAIT_TIMEOUT`) where it does not become active.
 */
export async function ensureStream(context: EnsureStreamContext): Promise<StreamState> {
	const { client, clock, createdRetentionHours, onUnreachable, signal } = context;
	const awayEndMs = clock.now() + MAX_AWAY_MS;
	let isSaid = false;
	const call = <T>(send: () => Promise<T>): Promise<T> => {
		const isRetryable = (error: unknown, attempt: number): boolean => {
			if (!isRetryableRequest(error)) return false;
			if (!isCode(error, 'KVS_UNREACHABLE')) return attempt < DEFAULT_RETRY_POLICY.attempts;
			if (clock.now() >= awayEndMs) return false;
			if (!isSaid) onUnreachable(error);
			isSaid = true;
			return true;
		};
		return retry(send, { isRetryable, policy: RETRY_FOR_EVER, signal, clock });
	};
	const describe = (): Promise<Description> =>
		call(async () => describedBy(await client.send('DescribeStream', {}, { signal })));
	const found = await describe().catch((error: unknown) => {
		// A producer need not be allowed to; then it is as most streams are.
		if (isCode(error, 'KVS_DENIED')) return { status: 'ACTIVE', isPersistent: true };
		if (isCode(error, 'KVS_NOT_FOUND') && createdRetentionHours !== null) return null;
		throw error;
	});
	if (found?.status === 'ACTIVE') return found;
	if (found === null) {
		await call(() =>
			client.send('CreateStream', { DataRetentionInHours: createdRetentionHours ?? 0 }, { signal }),
		).catch((error: unknown) => {
			// Another producer was faster.
			const isThere = error instanceof RequestError && error.awsName === 'ResourceInUseException';
			if (!isThere) throw error;
		});
	}
	const endMs = clock.now() + MAX_CREATION_MS;
	for (;;) {
		const state = await describe();
		if (state.status === 'ACTIVE') return state;
		if (clock.now() > endMs) {
			throw new ArchiveError(
				'KVS_WAIT_TIMEOUT',
				`stream \`${client.stream}\` was still not ACTIVE after ${MAX_CREATION_MS} ms (status ${state.status}), and takes no media before; try again later`,
			);
		}
		await clock.sleep(POLL_INTERVAL_MS, { signal });
	}
}

interface Description extends StreamState {
	readonly status: string;
}

function describedBy(response: Readonly<Record<string, unknown>>): Description {
	const info = Object(response['StreamInfo']) as { Status?: unknown; DataRetentionInHours?: unknown };
	return {
		status: typeof info.Status === 'string' ? info.Status : 'unknown',
		isPersistent: info.DataRetentionInHours !== 0,
	};
}

function isCode(error: unknown, code: string): error is RequestError {
	return error instanceof RequestError && error.code === code;
}
