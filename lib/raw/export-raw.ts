import { once } from 'node:events';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { InvalidOptionError } from '../errors.js';
import { lockOutput } from '../files/output-lock.js';
import type { RemotePlace } from '../files/remote-place.js';
import { writeStaged } from '../files/staging.js';
import { checkOptionNames, type OptionNames } from '../model/known-options.js';
import type { FragmentEndEvent, RunEvent } from '../model/media-event.js';
import type { RunSummary } from '../model/run-summary.js';
import type { EventStream } from '../run/event-stream.js';
import type { RunOptions } from '../run/run-options.js';
import { RawSink } from './raw-sink.js';

/** Options of {@link KvsArchive.exportRaw}. */
export type RawExportOptions = Pick<
	RunOptions,
	'signal' | 'strict' | 'maxBufferedBytes' | 'duplicates' | 'where' | 'onProgress'
>;

const OPTION_NAMES: OptionNames<RawExportOptions> = {
	signal: true,
	strict: true,
	maxBufferedBytes: true,
	duplicates: true,
	where: true,
	onProgress: true,
};

/** What became of a raw export. */
export interface RawExportSummary extends RunSummary {
	/** Path of the file. */
	readonly file: string;
	/** Its size: the sum of the fragments in it, with their headers. */
	readonly fileBytes: number;
}

/** Writes the fragments of a run into a file as they came. See {@link KvsArchive.exportRaw}. */
export async function exportRaw(
	file: string,
	options: RawExportOptions,
	openRun: () => EventStream<FragmentEndEvent>,
): Promise<RawExportSummary> {
	if (typeof file !== 'string' || file === '') throw new InvalidOptionError('file', 'a file name', file);
	checkOptionNames(options, OPTION_NAMES);
	options.signal?.throwIfAborted();
	const lock = await lockOutput(file);
	try {
		const fragments = openRun();
		const sink = new RawSink(file);
		try {
			await pipeline(fragments, sink);
		} catch (error) {
			// A pipeline rejects before its streams are closed; the caller must not find what is being removed.
			for (const stream of [fragments, sink]) if (!stream.closed) await once(stream, 'close');
			options.signal?.throwIfAborted();
			throw error;
		}
		return { ...(await fragments.summary), file, fileBytes: sink.sizeBytes };
	} finally {
		lock.release();
	}
}

/** The same into a place that is not on the local disk: it is made in its staging directory, and put there when it is whole. */
export async function exportRawRemote(
	place: RemotePlace,
	options: RawExportOptions,
	openRun: () => EventStream<FragmentEndEvent>,
): Promise<RawExportSummary> {
	const { signal } = options;
	checkOptionNames(options, OPTION_NAMES);
	if (place.fileName === '') throw new InvalidOptionError('file', 'the name of a file', place.url);
	signal?.throwIfAborted();
	return writeStaged(place, signal, async (folder) => {
		const path = join(folder.stagingDirectory, place.fileName);
		const summary = await exportRaw(path, options, openRun);
		await folder.put(place.fileName, path, signal);
		return { ...summary, file: place.url };
	});
}

/** Of a batch of events, the ends of fragments that are whole. */
export function wholeFragments(events: readonly RunEvent[]): FragmentEndEvent[] {
	return events.filter((event): event is FragmentEndEvent => event.type === 'fragment-end' && event.complete);
}
