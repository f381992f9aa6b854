import type { Job } from 'bullmq';
import type { BullMq } from './queue-connection.js';

/** What another attempt would not change. */
const FINAL_CODES: ReadonlySet<string> = new Set([
	'KVS_INVALID_OPTION',
	'KVS_JOB_REFUSED',
	'KVS_NOT_FOUND',
	'KVS_DENIED',
	'KVS_EMPTY_RANGE',
	'KVS_CODEC_NOT_SUPPORTED',
	'KVS_TRACKS_CHANGED',
	'KVS_GAP_TOO_LONG',
	'KVS_NO_SUCH_TRACK',
]);

/** Why a job was aborted here. */
class JobStop extends Error {
	/** Whether the job goes back into the queue; else it is not this worker's any more. */
	readonly isHandedBack: boolean;

	constructor(message: string, { isHandedBack }: { isHandedBack: boolean }) {
		super(message);
		this.isHandedBack = isHandedBack;
	}
}

/** A job that is being done. */
interface ActiveJob {
	readonly stop: AbortController;
}

/** Does a job, until the signal is aborted. */
export type JobAct = (job: Job, signal: AbortSignal) => Promise<unknown>;

/** The jobs that a worker is doing. */
export class ActiveJobs {
	readonly #jobs = new Map<string, ActiveJob>();
	#isEnding = false;

	/** How many are being done. */
	get count(): number {
		return this.#jobs.size;
	}

	/** Does a job. Rejects with what the queue is to know of a failure; a job that is handed back is in the queue again then. */
	async do(job: Job, token: string, bullmq: BullMq, act: JobAct): Promise<unknown> {
		const id = job.id as string;
		const stop = new AbortController();
		const active = { stop };
		this.#jobs.set(id, active);
		if (this.#isEnding) this.handBack();
		try {
			stop.signal.throwIfAborted();
			return await act(job, stop.signal);
		} catch (error) {
			if (isHandedBack(stop.signal)) {
				await job.moveToWait(token);
				throw new bullmq.WaitingError();
			}
			const { code, message } = error as { code?: unknown; message: string };
			throw FINAL_CODES.has(String(code)) ? new bullmq.UnrecoverableError(message) : error;
		} finally {
			// By now the same job may have been taken again.
			if (this.#jobs.get(id) === active) this.#jobs.delete(id);
		}
	}

	/** Stops jobs that may be another worker's by now, which goes on from where they stop. */
	lost(ids: readonly string[]): void {
		const stop = new JobStop('another worker may have the job: its lock was lost', { isHandedBack: false });
		for (const id of ids) this.#jobs.get(id)?.stop.abort(stop);
	}

	/** Hands all jobs back into the queue, for other workers; those that come from now on, too. */
	handBack(): void {
		this.#isEnding = true;
		for (const { stop } of this.#jobs.values())
			stop.abort(new JobStop('the worker ends', { isHandedBack: true }));
	}
}

/** Whether a job was stopped to be handed back. */
export function isHandedBack({ reason }: AbortSignal): boolean {
	return reason instanceof JobStop && reason.isHandedBack;
}
