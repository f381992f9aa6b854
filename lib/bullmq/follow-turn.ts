import { ArchiveError, SinkError } from '../errors.js';
import { checkpointKey } from '../follow/follow-options.js';
import { fragmentOver } from '../follow/fragment-over.js';
import type { CheckpointStore, FollowEvent, FollowMetrics, FollowOptions, KvsArchive } from '../index.js';
import type { FragmentEndEvent, FragmentEvent, FragmentFailureEvent, Frame } from '../model/media-event.js';
import { streamNameOf } from '../record/recording-name.js';
import type { FollowJob } from './follow-job.js';
import { loadHandler } from './handler-module.js';
import { type OutputPlaces, placeBelow, within } from './places/output-places.js';
import type { JobStream } from './slice-job.js';

/** A fragment as a handler module gets it, whole. */
export interface FollowedFragment extends JobStream, Pick<FragmentEndEvent, 'fragmentNumber' | 'tags'> {
	readonly producerTimestamp: Date | null;
	readonly serverTimestamp: Date | null;
	readonly tracks: FragmentEvent['tracks'];
	readonly frames: readonly Frame[];
	/** Why it is incomplete, or did not come at all; else null. */
	readonly failure: FragmentFailureEvent | null;
	/** As they were submitted. */
	readonly options: unknown;
}

/**
 * The default export of a module that follows streams: called with one fragment of a stream after the other, in the order of
 * {@link KvsArchive.follow}; of other streams at the same time. When it is over, and so is everything before, the fragment is done.
 * What it throws ends the turn: the next one begins with the same fragment.
 */
export type FragmentHandler = (
	fragment: FollowedFragment,
	archive: KvsArchive,
	signal: AbortSignal,
) => unknown;

/** What came of a turn. */
export interface TurnResult {
	/** Fragments that were done, those without media included. */
	readonly fragments: number;
	/** Of these, those that failed or are missing. */
	readonly failed: number;
	/** Files that were finished. */
	readonly recordings: number;
	/** Whether another worker is still at an earlier turn. */
	readonly isBusy: boolean;
}

/** What a turn is done with. */
export interface TurnTools {
	readonly archive: KvsArchive;
	/** Where the worker writes. */
	readonly out: OutputPlaces;
	readonly handlers: string;
	/** Of this turn alone. */
	readonly checkpoint: CheckpointStore;
	readonly metrics: FollowMetrics | undefined;
	readonly signal: AbortSignal;
}

/** Reads what is new in a stream since the last turn, and does with it what the job says. Where another worker does so, nothing. */
export async function followTurn(job: FollowJob, tools: TurnTools): Promise<TurnResult> {
	const { consumer, from, where } = job;
	const { checkpoint, metrics, signal } = tools;
	const options: FollowOptions = {
		consumer,
		from,
		until: 'caught-up',
		where: where ?? undefined,
		checkpoint,
		metrics,
		signal,
	};
	try {
		return await (job.work.kind === 'record' ? record(job, options, tools) : handle(job, options, tools));
	} catch (error) {
		// Lost in the middle it is an error as any other.
		if (checkpoint.lost?.aborted === true || !(await isOfOtherTurn(error, job, tools))) throw error;
		return { fragments: 0, failed: 0, recordings: 0, isBusy: true };
	}
}

/** Whether a turn failed because an earlier one is not over. */
async function isOfOtherTurn(
	error: unknown,
	{ consumer }: FollowJob,
	{ archive, checkpoint }: TurnTools,
): Promise<boolean> {
	if (isInUse(error)) return true;
	if (!(error instanceof SinkError) || error.code !== 'KVS_SINK_FAILED') return false;
	// A recorder takes its folder first: that of an earlier turn holds the checkpoint, too, and any other does not.
	try {
		await checkpoint.load(checkpointKey(archive.client.stream, consumer));
		await checkpoint.close?.();
		return false;
	} catch (trouble) {
		return isInUse(trouble);
	}
}

function isInUse(error: unknown): boolean {
	return error instanceof ArchiveError && error.code === 'KVS_CHECKPOINT_IN_USE';
}

async function record(
	{ work, output }: FollowJob,
	options: FollowOptions,
	{ archive, out }: TurnTools,
): Promise<TurnResult> {
	const { container, split } = work as Extract<FollowJob['work'], { kind: 'record' }>;
	const name = streamNameOf(archive.client.stream);
	const folder = await placeBelow(out, within(output as string, name));
	const { fragments, failed, missing, recordings } = await archive.record(folder, {
		...options,
		container,
		...(split === undefined ? {} : { split }),
	});
	return { fragments, failed: failed + missing, recordings, isBusy: false };
}

async function handle(
	{ work, stream }: FollowJob,
	options: FollowOptions,
	{ archive, handlers, signal }: TurnTools,
): Promise<TurnResult> {
	const { module, options: given } = work as Extract<FollowJob['work'], { kind: 'handler' }>;
	const handler = await loadHandler<FragmentHandler>(handlers, module);
	const counts = { fragments: 0, failed: 0 };
	const part: { start: FragmentEvent | null; frames: Frame[]; failure: FragmentFailureEvent | null } = {
		start: null,
		frames: [],
		failure: null,
	};
	const call = async (end: FragmentEndEvent | FragmentFailureEvent): Promise<void> => {
		const { start, frames, failure } = part;
		Object.assign(part, { start: null, frames: [], failure: null });
		counts.fragments++;
		if (failure !== null) counts.failed++;
		const fragment: FollowedFragment = {
			...stream,
			fragmentNumber: end.fragmentNumber,
			producerTimestamp: start?.producerTimestamp ?? null,
			serverTimestamp: start?.serverTimestamp ?? null,
			tracks: start?.tracks ?? [],
			tags: end.type === 'fragment-end' ? end.tags : [],
			frames,
			failure,
			options: given,
		};
		await handler(fragment, archive, signal);
	};
	for await (const event of archive.follow(options) as AsyncIterable<FollowEvent>) {
		if (event.type === 'fragment') part.start = event;
		else if (event.type === 'frame') part.frames.push(event);
		else if (event.type === 'fragment-failure') part.failure = event;
		const over = fragmentOver(event);
		if (over !== null && over.type !== 'fragment-skipped') await call(over);
	}
	return { ...counts, recordings: 0, isBusy: false };
}
