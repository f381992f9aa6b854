import { basename, join } from 'node:path';
import { ArchiveError } from '../errors.js';
import { ffmpeg as ffmpegDecoder, type KvsArchive, type Progress, type TimeRange } from '../index.js';
import { nameByStart } from '../record/recording-name.js';
import { callHandler } from './handler-module.js';
import { type OutputPlaces, placeBelow, within } from './places/output-places.js';
import { makeSliceFolder } from './slice-folder.js';
import type { SliceJob, SliceWork } from './slice-job.js';
import { NOTHING_DONE, resultOfRun, type SliceResult } from './slice-result.js';

/** What a slice is worked on with. */
export interface SliceTools {
	readonly archive: KvsArchive;
	/** Where the worker writes, and its folder of handler modules. */
	readonly out: OutputPlaces;
	readonly handlers: string;
	/** The ffmpeg to decode with, and how many of it at once. */
	readonly ffmpeg: string | undefined;
	readonly decoders: number | undefined;
	readonly signal: AbortSignal;
	readonly onProgress: (progress: Progress) => void;
}

type WorkOf<Kind extends SliceWork['kind']> = Extract<SliceWork, { kind: Kind }>;

/** Does one slice. Rejects with what the library rejects with, and with the signal's reason. */
export async function runSlice(job: SliceJob, tools: SliceTools): Promise<SliceResult> {
	const { work } = job;
	switch (work.kind) {
		case 'export':
			return exportSlice(job, work, tools);
		case 'frames':
			return framesSlice(job, work, tools);
		case 'handler': {
			const call = async (directory: string | null): Promise<SliceResult> => {
				const slice = { ...job.stream, ...rangeOf(job), padStart: job.padStart, directory };
				const value = await callHandler(work.module, { ...slice, options: work.options }, tools);
				return { ...NOTHING_DONE, fragments: job.fragments, delivered: job.fragments, value };
			};
			return job.output === null ? call(null) : inFolder(job, tools, call);
		}
	}
}

function rangeOf({ from, to, by }: SliceJob): { from: Date; to: Date; by: SliceJob['by'] } {
	return { from: new Date(from), to: new Date(to), by };
}

/** Name of what a slice leaves, by the slice's start. */
function nameOf({ from }: SliceJob, archive: KvsArchive): string {
	return nameByStart(archive.client.stream, Date.parse(from));
}

/** The folder of a slice, relative to the worker's own, or its URL. */
function pathOf(job: SliceJob, archive: KvsArchive): string {
	return within(job.output as string, nameOf(job, archive));
}

async function exportSlice(
	job: SliceJob,
	{ container, options }: WorkOf<'export'>,
	{ archive, out, signal, onProgress }: SliceTools,
): Promise<SliceResult> {
	const output = job.output as string;
	const file = within(await placeBelow(out, output), `${nameOf(job, archive)}.${container}`);
	const range: TimeRange = rangeOf(job);
	return unlessEmpty(job, options, async () => {
		const { padStart } = job;
		const summary = await archive.export(range, file, { ...options, padStart, signal, onProgress });
		const files = summary.files.map((exported) => within(output, basename(exported.file)));
		return { ...resultOfRun(summary), files, wasDone: summary.verified };
	});
}

async function inFolder(
	job: SliceJob,
	{ archive, out }: SliceTools,
	work: (directory: string) => Promise<SliceResult>,
): Promise<SliceResult> {
	const parent = await placeBelow(out, job.output as string);
	const result = await makeSliceFolder(join(parent, nameOf(job, archive)), job, work);
	return { ...result, files: [pathOf(job, archive)] };
}

async function framesSlice(
	job: SliceJob,
	{ options }: WorkOf<'frames'>,
	{ archive, out, ffmpeg, decoders, signal, onProgress }: SliceTools,
): Promise<SliceResult> {
	const path = pathOf(job, archive);
	const folder = await placeBelow(out, path);
	return unlessEmpty(job, options, async () => {
		const { padStart } = job;
		const decoding = { decoder: ffmpegDecoder({ path: ffmpeg }), decoders };
		const how = { ...options, ...decoding, padStart, signal, onProgress };
		const summary = await archive.exportPictures(rangeOf(job), folder, how);
		const { pictures, pictureFailures } = summary;
		return {
			...resultOfRun(summary),
			isComplete: summary.isComplete && pictureFailures === 0,
			pictures,
			pictureFailures,
			files: [path],
			wasDone: summary.verified,
		};
	});
}

/** Of a slice of which all is left out by `where` nothing is written, which is as it should be. */
async function unlessEmpty(
	job: SliceJob,
	options: { readonly where?: object | undefined } = {},
	run: () => Promise<SliceResult>,
): Promise<SliceResult> {
	try {
		return await run();
	} catch (error) {
		if (!(error instanceof ArchiveError) || error.code !== 'KVS_EMPTY_RANGE') throw error;
		if (options.where === undefined) throw error;
		return { ...NOTHING_DONE, fragments: job.fragments, skipped: job.fragments };
	}
}
