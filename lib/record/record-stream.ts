import { once } from 'node:events';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { SinkError } from '../errors.js';
import type { SplitRule } from '../export/split-rule.js';
import { makePrivateDirectory } from '../files/private-directory.js';
import { holdLock, type ProcessLock } from '../files/process-lock.js';
import type { RemoteFolder, RemotePlace } from '../files/remote-place.js';
import { checkpointKey, type FollowOptions, resolveFollowOptions } from '../follow/follow-options.js';
import type { FollowStream } from '../follow/follow-stream.js';
import type { RunEvent } from '../model/media-event.js';
import type { RunSummary } from '../model/run-summary.js';
import type { Clock } from '../pace/clock.js';
import type { PauseEvent } from '../sinks/fragment-sink.js';
import { createTrouble } from '../wording/system-trouble.js';
import { RecordCheckpoint } from './record-checkpoint.js';
import { RecordJournal } from './record-journal.js';
import { type RecordOptions, resolveRecordOptions } from './record-options.js';
import { RecordSink } from './record-sink.js';
import { RecordingDirectory } from './recording-directory.js';
import { streamNameOf } from './recording-name.js';
import { RemoteRecordings } from './remote-recordings.js';

/** What became of a recorder's run. */
export interface RecordSummary extends RunSummary {
	/** How many files it finished. */
	readonly recordings: number;
}

/** What a recorder needs of the archive. */
export interface RecordSource {
	/** Name or ARN. */
	readonly stream: string;
	readonly clock: Clock;
	readonly follow: (options: FollowOptions) => FollowStream;
}

/** Records a stream into files. See {@link KvsArchive.record}. */
export async function recordStream(
	target: string | RemotePlace,
	options: RecordOptions,
	source: RecordSource,
): Promise<RecordSummary> {
	resolveRecordOptions(options);
	options.signal?.throwIfAborted();
	if (typeof target === 'string') return recordInto(target, null, options, source);
	const folder = await target.open('folder');
	try {
		return await recordInto(folder.stagingDirectory, folder, options, source);
	} finally {
		await folder.close();
	}
}

/** @param folder - where files go from the directory; null where they stay */
async function recordInto(
	directory: string,
	folder: RemoteFolder | null,
	options: RecordOptions,
	{ stream, clock, follow: openFollow }: RecordSource,
): Promise<RecordSummary> {
	const { split, container } = resolveRecordOptions(options);
	const { split: _, container: __, onRecording, checkpoint: store, ...followOptions } = options;
	const { fromMs, consumer } = resolveFollowOptions(followOptions, clock);
	const { signal } = options;
	const lock = await lockDirectory(directory);
	try {
		const name = streamNameOf(stream);
		// First: the consumer that holds the place may have uploads under way in the folder.
		const loaded = folder === null ? undefined : await store?.load(checkpointKey(stream, consumer));
		signal?.throwIfAborted();
		const recordings =
			folder === null
				? new RecordingDirectory(directory)
				: await RemoteRecordings.open({ folder, clock, signal });
		const { journal, past, lost } = await RecordJournal.open(directory, { stream: name, fromMs, signal });
		const checkpoint = new RecordCheckpoint({
			journal,
			store: store ?? null,
			loaded,
			lost,
			// What is on this disk alone would be lost with it.
			isHeld: () => folder !== null && sink.hasOpenFile,
		});
		const follow = openFollow({ ...followOptions, checkpoint, ack: 'manual' });
		let count = 0;
		const sink = new RecordSink({
			directory: recordings,
			stream: name,
			container,
			split,
			journal,
			past,
			lost,
			serverMsOf: (fragmentNumber) => follow.serverMsOf(fragmentNumber),
			ack: (fragmentNumber) => follow.ack(fragmentNumber),
			onRecording: async (recording) => {
				await checkpoint.saveHeld();
				count++;
				await onRecording?.(recording);
			},
		});
		// Else what waits for the next fragment would wait on.
		sink.once('close', () => follow.destroy());
		const end: { error?: unknown } = {};
		try {
			await pipeline(eventsOf(follow, { quietMs: quietMsOf(split), clock, end }), sink);
		} finally {
			follow.destroy();
			// A pipeline rejects before its streams are closed.
			if (!sink.closed) await once(sink, 'close');
		}
		await store?.close?.();
		signal?.throwIfAborted();
		if ('error' in end) throw end.error;
		return { ...(await follow.summary), recordings: count };
	} catch (error) {
		// What ended it says more than what that led to.
		await store?.close?.().catch(() => {});
		throw error;
	} finally {
		lock.release();
	}
}

/** After how long without anything new a file is finished, in milliseconds: the least of a file's own length, and this. */
const MAX_QUIET_MS = 300_000;

function quietMsOf(split: readonly SplitRule[]): number {
	return split.reduce(
		(least, rule) => (typeof rule === 'object' && 'everyMs' in rule ? Math.min(least, rule.everyMs) : least),
		MAX_QUIET_MS,
	);
}

/** What is followed, and when nothing comes for a while, and for a long one. An error becomes the `end`: what is open is finished. */
async function* eventsOf(
	follow: FollowStream,
	{ quietMs, clock, end }: { quietMs: number; clock: Clock; end: { error?: unknown } },
): AsyncGenerator<RunEvent | PauseEvent, void, undefined> {
	const batches = follow.allBatches();
	let isCaughtUp = false;
	/** When something came last, or this began; null where it was said that nothing comes. */
	let cameMs: number | null = clock.now();
	try {
		for (;;) {
			const next = batches.next();
			// Of what is on its way it is not known how long it will be.
			const leftMs = cameMs === null || !isCaughtUp ? null : cameMs + quietMs - clock.now();
			if (leftMs !== null && (leftMs <= 0 || (await comesLate(next, leftMs, clock)))) {
				cameMs = null;
				yield { type: 'pause', isLong: true };
			}
			const { done, value: events } = await next;
			if (done === true) return;
			for (const event of events) {
				isCaughtUp = event.type === 'caught-up';
				if (event.type !== 'caught-up' && event.type !== 'fragment-skipped') cameMs = clock.now();
				yield event.type === 'caught-up' ? { type: 'pause', isLong: false } : event;
			}
		}
	} catch (error) {
		end.error = error;
	} finally {
		await batches.return(undefined);
	}
}

/** Whether something takes longer than that. */
async function comesLate(next: Promise<unknown>, waitMs: number, clock: Clock): Promise<boolean> {
	const over = new AbortController();
	const late = clock.sleep(waitMs, { signal: over.signal }).then(
		() => true,
		() => false,
	);
	try {
		return await Promise.race([
			late,
			next.then(
				() => false,
				() => false,
			),
		]);
	} finally {
		over.abort();
	}
}

async function lockDirectory(directory: string): Promise<ProcessLock> {
	let lockOrHolder: ProcessLock | string;
	try {
		await makePrivateDirectory(directory);
		lockOrHolder = await holdLock(join(directory, '.recorder.in-use-by'));
	} catch (cause) {
		const message = `cannot record into \`${directory}\`: ${createTrouble(cause)}`;
		throw new SinkError('KVS_SINK_FAILED', directory, message, cause);
	}
	if (typeof lockOrHolder !== 'string') return lockOrHolder;
	throw new SinkError(
		'KVS_SINK_FAILED',
		directory,
		`cannot record into \`${directory}\`: ${lockOrHolder} is recording into it; stop that, or use another directory`,
	);
}
