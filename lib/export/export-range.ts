import { once } from 'node:events';
import { basename, dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { isDeepStrictEqual } from 'node:util';
import { InvalidOptionError } from '../errors.js';
import { markOutput } from '../files/output-mark.js';
import type { StartAt } from '../frames/fragment-start.js';
import { TrackSelection, type TrackSelector } from '../frames/track-selection.js';
import { checkWhere } from '../frames/where.js';
import { LATE_FRAGMENT } from '../list/skip-completed-filter.js';
import { compareFragmentNumbers, type Fragment } from '../model/fragment.js';
import { checkOptionNames, type OptionNames } from '../model/known-options.js';
import type { RunEvent } from '../model/media-event.js';
import { MAX_NAMED_FAILURES, type RunSummary } from '../model/run-summary.js';
import { resolveTimeRange, type TimeRange } from '../model/time-range.js';
import { containerOf } from '../muxing/container.js';
import type { GapPolicy } from '../muxing/output-timeline.js';
import type { Clock } from '../pace/clock.js';
import type { EventStream } from '../run/event-stream.js';
import { RUN_OPTION_NAMES, type RunOptions } from '../run/run-options.js';
import {
	type ExportedFile,
	type ExportManifest,
	fragmentsOf,
	type MergedGaps,
	manifestPath,
	readIntactManifest,
} from './export-manifest.js';
import type { ExportPast } from './export-past.js';
import type { ExportRequest } from './export-request.js';
import { ExportSink, PART_LOST } from './export-sink.js';
import { type FragmentNotice, noticesOf } from './fragment-notice.js';
import { ExportJournal } from './journal/export-journal.js';
import { checkSplitRules, type SplitRule, splitTagOf } from './split-rule.js';
import { verifyExport } from './verify-export.js';

/** Options of {@link KvsArchive.export}. */
export interface ExportOptions extends Omit<RunOptions, 'order'> {
	/** The tracks to write, by number, type or name. @default all */
	readonly tracks?: readonly TrackSelector[] | undefined;
	/** What becomes of time in which nothing was recorded. @default 'keep' */
	readonly gaps?: GapPolicy | undefined;
	/** When to go on in a new file; codec parameters that change always do so. @default [] */
	readonly split?: SplitRule | readonly SplitRule[] | undefined;
	/** WAV: all audio tracks as the channels of one file, or a file for each. @default 'stereo' */
	readonly channels?: 'split' | 'stereo' | undefined;
	/** MP4, MOV, M4A: a classic file, its index in front, instead of a fragmented one. Takes about 1 KB of memory a frame. @default false */
	readonly faststart?: boolean | undefined;
	/** Whether a manifest is written beside the file. @default true */
	readonly manifest?: boolean | undefined;
}

const { order: _, ...runOptionNames } = RUN_OPTION_NAMES;
const EXPORT_OPTION_NAMES: OptionNames<ExportOptions> = {
	...runOptionNames,
	tracks: true,
	gaps: true,
	split: true,
	channels: true,
	faststart: true,
	manifest: true,
};

/** What became of an export. */
export interface ExportSummary extends RunSummary {
	/** Path of the file that was written; of the first, where there are several. */
	readonly file: string;
	/** The files that were written, in order, and why each was begun; `file` is the path of each. */
	readonly files: readonly ExportedFile[];
	/** Path of the manifest: that of the file that was asked for, with `.json`. Null where none was asked for. */
	readonly manifest: string | null;
	/** Places where fragments do not meet and that are in one file all the same; what became of the time is up to `gaps`. */
	readonly merged: Readonly<MergedGaps>;
	/** Sum of the lengths of the gaps among these, in milliseconds; with `gaps: 'close'` none of it is in the files. */
	readonly mergedGapMs: number;
	/** What is not as it should be in fragments that were written all the same; of more than 1,000 the first ones. */
	readonly notices: readonly FragmentNotice[];
	/** Fragments that an earlier process had done. */
	readonly resumed: number;
	/** Fragments that an earlier process had done and that are of no use: other options or another range, or they have changed. */
	readonly discarded: number;
	/** Whether nothing was done but to check a finished export. */
	readonly verified: boolean;
}

/** What an export needs of the archive. */
export interface ExportSource {
	/** Name or ARN. */
	readonly stream: string;
	readonly clock: Clock;
	/** What is left of the range. */
	readonly events: (
		past: ExportPast,
		how: { readonly startAt: StartAt; readonly completeTags: boolean },
	) => EventStream<RunEvent>;
	/** The listing of the range. */
	readonly fragments: (signal: AbortSignal | undefined) => AsyncIterable<Fragment>;
}

/** Writes a range into files, or goes on with that, or checks that it was done. See {@link KvsArchive.export}. */
export async function exportRange(
	range: TimeRange,
	file: string,
	options: ExportOptions,
	source: ExportSource,
): Promise<ExportSummary> {
	checkOptionNames(options, EXPORT_OPTION_NAMES);
	const request = requestOf(range, file, options, source.stream);
	options.signal?.throwIfAborted();
	const mark = await markOutput(file, [manifestPath(file)]);
	try {
		const done = await finishedExport(file, request, options, source);
		if (done !== null) return done;
		try {
			return await runExport(file, request, options, source);
		} catch (error) {
			const { code } = error as { code?: unknown };
			if (code !== LATE_FRAGMENT && code !== PART_LOST) throw error;
			// What is written cannot be gone on from: all of it again.
			const discarded = await ExportJournal.discard(file);
			return { ...(await runExport(file, request, options, source)), discarded };
		}
	} finally {
		mark.release();
	}
}

async function runExport(
	file: string,
	request: ExportRequest,
	options: ExportOptions,
	{ events: openEvents }: ExportSource,
): Promise<ExportSummary> {
	// What another function has chosen is of no use.
	const unknown = request.where === 'function' ? await ExportJournal.discard(file) : 0;
	const { journal, past, discarded } = await ExportJournal.open(file, request, options.signal);
	const sink = new ExportSink({
		directory: dirname(file),
		name: basename(file),
		container: request.container,
		channels: request.channels,
		gaps: request.gaps,
		faststart: request.faststart,
		request,
		journal,
		past,
		hasManifest: options.manifest ?? true,
	});
	const how = {
		startAt: isAudioOnly(request) ? ('time' as const) : ('key-frame' as const),
		completeTags: splitTagOf(request.split) !== null,
	};
	const events = past.isOver ? null : openEvents(past, how);
	try {
		await pipeline(events ?? Readable.from([]), sink);
	} catch (error) {
		// A pipeline rejects before its streams are closed; the caller must not find what is being removed.
		for (const stream of [events, sink]) if (stream?.closed === false) await once(stream, 'close');
		options.signal?.throwIfAborted();
		throw error;
	}
	const { gaps, ...totals } = sink.totals;
	const fragments = fragmentsOf(totals);
	const run = (await events?.summary) ?? { calls: 0, throttled: 0, elapsedMs: 0, failures: past.failures };
	const { calls, throttled, elapsedMs, failures } = run;
	const isComplete = totals.failed + totals.missing === 0;
	const counted = { isComplete, fragments, ...totals, gaps, calls, throttled, elapsedMs };
	const before = { resumed: past.known.size, discarded: unknown + discarded };
	const noted = { failures, ...sink.noted };
	return { ...counted, ...noted, ...placesOf(file, sink.files, options), ...before, verified: false };
}

/** Whether a file has no video, whatever the stream has: then it need not begin at a key frame. */
function isAudioOnly({ container, tracks }: ExportRequest): boolean {
	return container === 'wav' || container === 'm4a' || (tracks?.every((track) => track === 'audio') ?? false);
}

/** Checks what was asked for. */
function requestOf(range: TimeRange, file: string, options: ExportOptions, stream: string): ExportRequest {
	const { fromMs, toMs, by } = resolveTimeRange(range);
	const { tracks, gaps = 'keep', channels, faststart = false } = options;
	const { padStart = true, duplicates = 'keep-all', where } = options;
	checkWhere(options);
	const container = containerOf(file);
	if (gaps !== 'keep' && gaps !== 'close' && gaps !== 'fill') {
		throw new InvalidOptionError('gaps', "'keep', 'close' or 'fill'", gaps);
	}
	if (channels !== undefined && ((channels !== 'split' && channels !== 'stereo') || container !== 'wav')) {
		throw new InvalidOptionError('channels', "'split' or 'stereo', and set only for a .wav file", channels);
	}
	if (faststart && container !== 'mp4' && container !== 'mov' && container !== 'm4a') {
		throw new InvalidOptionError('faststart', 'set only for a .mp4, .mov or .m4a file', faststart);
	}
	// Throws for selectors that are not valid.
	if (tracks !== undefined) new TrackSelection(tracks);
	const split = options.split === undefined ? [] : [options.split].flat();
	checkSplitRules(split);
	return {
		stream,
		from: new Date(fromMs).toISOString(),
		to: new Date(toMs).toISOString(),
		by,
		padStart,
		duplicates,
		...(where === undefined ? {} : { where: typeof where === 'function' ? 'function' : { ...where } }),
		container,
		tracks: tracks === undefined ? null : [...tracks],
		gaps,
		split,
		channels: channels ?? 'stereo',
		faststart,
	};
}

/** Where everything is. */
function placesOf(
	file: string,
	files: readonly ExportedFile[],
	{ manifest = true }: Pick<ExportOptions, 'manifest'>,
): Pick<ExportSummary, 'file' | 'files' | 'manifest'> {
	const placed = files.map((exported) => ({ ...exported, file: join(dirname(file), exported.file) }));
	return { file: placed[0]?.file ?? file, files: placed, manifest: manifest ? manifestPath(file) : null };
}

/** The summary of an export that is finished, whole, and still what its manifest says; null where there is none. */
async function finishedExport(
	file: string,
	request: ExportRequest,
	{ signal, manifest: hasManifest = true }: ExportOptions,
	{ fragments, clock }: ExportSource,
): Promise<ExportSummary | null> {
	if (!hasManifest || request.where === 'function') return null;
	const startMs = clock.now();
	// A file that is not a manifest is replaced by one.
	const manifest = await readIntactManifest(file).catch(() => null);
	if (manifest === null || !isDeepStrictEqual(manifest.request, request)) return null;
	if (manifest.summary.failed + manifest.summary.missing > 0) return null;
	const { damage } = await verifyExport(file, manifest, signal);
	if (damage.length > 0) return null;
	if (await hasGrown(manifest, fragments(signal))) return null;
	const { merged, mergedGapMs, ...totals } = manifest.summary;
	const notices = manifest.fragments.flatMap(noticesOf).slice(0, MAX_NAMED_FAILURES);
	const elapsedMs = clock.now() - startMs;
	const counted = { isComplete: true, ...totals, calls: 0, throttled: 0, elapsedMs };
	// Killed between the manifest and the end.
	await ExportJournal.discard(file);
	const noted = { failures: [], merged, mergedGapMs, notices };
	const places = placesOf(file, manifest.files, { manifest: hasManifest });
	return { ...counted, ...noted, ...places, resumed: 0, discarded: 0, verified: true };
}

/** Whether fragments are in the archive that the export has not got: what was recorded before may come late. */
async function hasGrown(
	{ request, fragments: exported }: ExportManifest,
	listed: AsyncIterable<Fragment>,
): Promise<boolean> {
	const known = new Set(exported.map(({ fragmentNumber }) => fragmentNumber));
	/** By producer time, where only the newest counts. */
	const newest = new Map<number, string>();
	for await (const { fragmentNumber, producerTimestamp } of listed) {
		if (request.duplicates === 'keep-all') {
			if (!known.has(fragmentNumber)) return true;
			continue;
		}
		const ms = producerTimestamp.getTime();
		const other = newest.get(ms);
		if (other === undefined || compareFragmentNumbers(fragmentNumber, other) > 0)
			newest.set(ms, fragmentNumber);
	}
	return [...newest.values()].some((fragmentNumber) => !known.has(fragmentNumber));
}
