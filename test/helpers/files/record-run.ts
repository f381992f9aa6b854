import { existsSync, readFileSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import {
	KvsArchive,
	RECORDINGS_FILE,
	type Recording,
	type RecordOptions,
	type RecordSummary,
	type RemotePlace,
} from 'kvs-archive';
import type { FaultRule } from 'kvs-archive/server';
import { matroskaFrames } from '../media/matroska-frames.js';
import { type GrowingStream, startGrowing } from '../service/growing-stream.js';
import { StandstillClock } from '../standstill-clock.js';
import { temporaryDirectory } from '../tools.js';
import { until } from '../wait.js';
import { copyAtOnce } from './copy-at-once.js';

/** What a recorder keeps besides its files. */
const JOURNAL = '.recorder.journal';
const MARK = '.recorder.in-use-by';

/** Of the fragment after what is recorded. */
const LAST_SECOND = 999_999;

/** A local archive with one stream, and a directory that it is recorded into. */
export interface RecordedStream extends GrowingStream {
	readonly directory: string;
	/** The recorder's. */
	readonly clock: StandstillClock;
	/** Records into the directory, or another one, as Matroska and from the oldest fragment on unless the options say otherwise. */
	readonly record: (options?: RecordOptions, into?: string | RemotePlace) => Promise<RecordSummary>;
	/** Records what is stored by now. */
	readonly recordAll: (options?: RecordOptions, into?: string | RemotePlace) => Promise<RecordSummary>;
	/** Server time of the last of what is stored by now, with one fragment more put after it, by which `until` ends. */
	readonly untilNow: () => Promise<number>;
	/** Copies what a recorder that is killed leaves when it has done so many fragments; a directory of its own. */
	readonly killedAfter: (fragments: number, options?: RecordOptions) => Promise<string>;
}

/** Starts one, whose stream is empty. */
export async function startRecorded(
	t: ExecutionContext,
	faults: readonly FaultRule[] = [],
): Promise<RecordedStream> {
	const growing = await startGrowing(t, faults);
	const clock = new StandstillClock(Date.now());
	const archive = new KvsArchive({ streamName: 'cam', endpoint: growing.endpoint, clock });
	t.teardown(() => archive.close());
	const root = await temporaryDirectory(t);
	const directory = join(root, 'recordings');
	let kills = 0;
	const untilNow = async (): Promise<number> => {
		const { fragments } = growing.stream;
		const [{ serverMs } = { serverMs: 0 }] = fragments.latest('server', 1e15, 1);
		for (;;) {
			const [number = ''] = await growing.put(LAST_SECOND);
			if ((fragments.get(number)?.serverMs ?? 0) > serverMs) return serverMs;
		}
	};
	const record = (
		options: RecordOptions = {},
		into: string | RemotePlace = directory,
	): Promise<RecordSummary> =>
		archive.record(into, { from: 'earliest', container: 'mkv', split: { everyMs: 60_000 }, ...options });
	return {
		...growing,
		directory,
		clock,
		untilNow,
		record,
		recordAll: async (options = {}, into: string | RemotePlace = directory) =>
			record({ until: await untilNow(), ...options }, into),
		killedAfter: async (count, options = {}) => {
			const controller = new AbortController();
			const from = join(root, `live-${++kills}`);
			const recording = record({ ...options, signal: controller.signal }, from);
			const done = (): number =>
				(existsSync(from) && existsSync(join(from, JOURNAL))
					? readFileSync(join(from, JOURNAL), 'latin1')
					: ''
				).split('\n').length - 2;
			await until(
				() => done() >= count,
				() => `${done()} of ${count} fragments are done`,
			);
			const copy = join(root, `killed-${kills}`);
			copyAtOnce(from, copy);
			// It names this process, which lives on.
			rmSync(join(copy, MARK));
			const reason = new Error('killed');
			controller.abort(reason);
			await t.throwsAsync(recording, { is: reason });
			return copy;
		},
	};
}

/** The list of the recordings in a directory. */
export async function recordingsIn(directory: string): Promise<Recording[]> {
	const text = await readFile(join(directory, RECORDINGS_FILE), 'utf8');
	return text
		.trimEnd()
		.split('\n')
		.map((line) => JSON.parse(line) as Recording);
}

/** When the frames of a Matroska recording were recorded, epoch milliseconds, in its order. */
export async function timesIn(directory: string, { file, start }: Recording): Promise<number[]> {
	const frames = await matroskaFrames(join(directory, file));
	return frames.map(({ timecodeNs }) => Date.parse(start) + Number(timecodeNs) / 1e6);
}

/** The times of the frames of all recordings in a directory, file by file. */
export async function allTimesIn(directory: string): Promise<number[][]> {
	return Promise.all((await recordingsIn(directory)).map((one) => timesIn(directory, one)));
}
