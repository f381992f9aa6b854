import { pipeline } from 'node:stream/promises';
import {
	type DecodeFailure,
	FfmpegDecoder,
	type FrameSelection,
	ImageSink,
	InvalidOptionError,
	type Picture,
	type PictureFormat,
	type PictureStream,
	type PictureSummary,
	SinkError,
} from '../../index.js';
import {
	type ArchiveCommandOptions,
	type AroundCommandOptions,
	archiveOf,
	type DateRange,
	rangeOrAround,
	whereOf,
} from '../archive-options.js';
import type { CommandContext } from '../command-context.js';
import { parseDuration } from '../duration.js';
import { EXIT } from '../exit.js';
import { ProgressBar } from '../progress-bar.js';
import { parseTracks } from '../track-list.js';
import { runsAt, type ScreenRequest, screenRequestOf } from './pictures-at.js';

/** Options of `frames`. */
export interface FramesCommandOptions extends ArchiveCommandOptions, AroundCommandOptions {
	readonly output?: string;
	readonly keyframes?: boolean;
	readonly every?: string;
	readonly at?: readonly string[];
	readonly lookback?: string;
	readonly all?: boolean;
	readonly tracks?: string;
	readonly where?: readonly string[];
	readonly format: string;
	readonly ffmpeg?: string;
}

const FORMATS: Readonly<Record<string, PictureFormat>> = {
	jpg: 'jpg',
	png: 'png',
	raw: 'rgb24',
	nv12: 'nv12',
};

/** Writes pictures of a range into a directory. */
export async function frames(options: FramesCommandOptions, context: CommandContext): Promise<number> {
	const { terminal, signal, nowMs } = context;
	const { output, ffmpeg } = options;
	const screen = screenRequestOf(options, nowMs);
	if (output === undefined) throw new InvalidOptionError('-o', 'given: the directory to write to', output);
	const format = FORMATS[options.format];
	if (format === undefined) throw new InvalidOptionError('--format', 'jpg, png, raw or nv12', options.format);
	const select = selectionOf(options);
	const tracks = parseTracks(options.tracks);
	const where = whereOf(options);
	await using archive = archiveOf(options);
	const range = screen === null ? await rangeOrAround(archive, options, context) : null;
	const bar = new ProgressBar(process.stderr);
	const failures: DecodeFailure[] = [];
	let failureCount = 0;
	const pictureOptions = {
		signal,
		tracks,
		where,
		format,
		decoder: new FfmpegDecoder({ path: ffmpeg }),
		onProgress: bar.update.bind(bar),
		onFailure: (failure: DecodeFailure) => {
			failureCount++;
			if (failures.length < MAX_SAID_FAILURES) failures.push(failure);
		},
	};
	const sink = new ImageSink(output);
	const totals = {
		fragments: 0,
		delivered: 0,
		failed: 0,
		missing: 0,
		skipped: 0,
		pictureFailures: 0,
		elapsedMs: 0,
	};
	const summaries: PictureSummary[] = [];
	const seen = new Set<number>();
	let given = 0;
	let foundIn = 0;
	async function* runs(): AsyncGenerator<PictureStream> {
		if (screen === null) yield archive.pictures(range as DateRange, { ...pictureOptions, select });
		else yield* runsAt(archive, screen, pictureOptions, () => given > foundIn);
	}
	/** Pictures of one run after the other, whose results are added up. */
	async function* all(): AsyncGenerator<Picture> {
		for await (const run of runs()) {
			foundIn = given;
			for await (const picture of run) {
				given++;
				for (const time of picture.at ?? []) seen.add(time.getTime());
				if (options.json) await terminal.writeJson([picture]);
				yield picture;
			}
			const summary = await run.summary;
			summaries.push(summary);
			for (const name of Object.keys(totals) as (keyof typeof totals)[]) totals[name] += summary[name];
		}
	}
	try {
		await pipeline(all, sink);
	} catch (error) {
		signal.throwIfAborted();
		if (!(error instanceof SinkError) || error.code !== 'KVS_EMPTY_RANGE') throw error;
		if (failureCount === 0 && screen === null && totals.skipped === 0) throw error;
		const reason =
			failureCount > 0
				? `none of ${failureCount} frames could be decoded`
				: screen === null
					? `--where leaves out ${totals.skipped} of ${totals.fragments} fragments`
					: `no picture at or up to ${(screen as ScreenRequest).lookbackMs / 1000} s before ${listed(screen as ScreenRequest)}`;
		throw new SinkError(error.code, output, `nothing to write to \`${output}\`: ${reason}`, error);
	} finally {
		bar.stop();
		for (const { frame, message } of failures) {
			const time = frame.timestamp?.toISOString() ?? 'a frame without a time';
			terminal.say(`no picture of ${time}: ${message}`);
		}
	}
	const { fragments, delivered, failed, missing, skipped, pictureFailures, elapsedMs } = totals;
	const unseen = screen === null ? 0 : screen.times.length - seen.size;
	const isComplete = failed + missing + pictureFailures + unseen === 0;
	const counted = screen === null ? { ...summaries[0], isComplete } : { isComplete, ...totals };
	if (options.json) await terminal.writeJson([{ type: 'summary', pictures: sink.count, ...counted }]);
	else {
		const parts = [
			`${sink.count} pictures`,
			`${delivered} of ${fragments} fragments`,
			`${(elapsedMs / 1000).toFixed(1)} s`,
			...(pictureFailures > 0 ? [`${pictureFailures} frames could not be decoded`] : []),
			...(failed > 0 ? [`${failed} failed`] : []),
			...(missing > 0 ? [`${missing} missing`] : []),
			...(skipped > 0 ? [`${skipped} left out by --where`] : []),
			...(unseen > 0 ? [`no picture for ${unseen} of the --at times`] : []),
		];
		terminal.say(`wrote ${output}: ${parts.join(', ')}`);
	}
	return isComplete ? EXIT.done : EXIT.incomplete;
}

function listed({ times }: ScreenRequest): string {
	return times.map((time) => time.toISOString()).join(', ');
}

/** The most frames for which the reason of a failure is printed; the others are counted. */
const MAX_SAID_FAILURES = 10;

function selectionOf({ keyframes, every, all, at }: FramesCommandOptions): FrameSelection {
	const [first, ...others] = Object.entries({
		'--keyframes': keyframes,
		'--every': every,
		'--all': all,
		'--at': at,
	}).flatMap(([flag, value]) => (value === undefined ? [] : [flag]));
	if (first !== undefined && others.length > 0) {
		const expected = 'given alone: one of --keyframes, --every, --all and --at';
		throw new InvalidOptionError(first, expected, [first, ...others].join(' and '));
	}
	if (keyframes) return 'keyframes';
	if (every === undefined) return 'all';
	const everyMs = parseDuration(every);
	if (everyMs !== null && everyMs > 0) return { everyMs };
	const everyNth = /^\d+$/.test(every) ? Number(every) : 0;
	if (!Number.isSafeInteger(everyNth) || everyNth < 1) {
		throw new InvalidOptionError('--every', 'a time (500ms, 2s, 1m) or a number of frames (10)', every);
	}
	return { everyNth };
}
