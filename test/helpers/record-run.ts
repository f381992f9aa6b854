import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import {
	KvsArchive,
	RECORDINGS_FILE,
	type Recording,
	type RecordOptions,
	type RecordSummary,
} from 'kvs-archive';
import type { FaultRule } from 'kvs-archive/server';
import { type GrowingStream, startGrowing } from './growing-stream.js';
import { matroskaFrames } from './matroska-frames.js';
import { StandstillClock } from './standstill-clock.js';
import { temporaryDirectory } from './tools.js';

/** A local archive with one stream, and a directory that it is recorded into. */
export interface RecordedStream extends GrowingStream {
	readonly directory: string;
	readonly clock: StandstillClock;
	/** Records what is stored by now, as Matroska, and what comes until then. */
	readonly record: (options?: RecordOptions) => Promise<RecordSummary>;
	/** Server time of the last of what is stored by now, with one fragment more put after it that ends what `until` ends. */
	readonly untilNow: () => Promise<number>;
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
	const directory = join(await temporaryDirectory(t), 'recordings');
	const untilNow = async (): Promise<number> => {
		const { fragments } = growing.stream;
		const [{ serverMs } = { serverMs: 0 }] = fragments.latest('server', 1e15, 1);
		for (;;) {
			const [number = ''] = await growing.put(999_999);
			if ((fragments.get(number)?.serverMs ?? 0) > serverMs) return serverMs;
		}
	};
	return {
		...growing,
		directory,
		clock,
		untilNow,
		record: (options = {}) => archive.record(directory, { from: 'earliest', container: 'mkv', ...options }),
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
