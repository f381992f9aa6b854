import { pipeline } from 'node:stream/promises';
import {
	type DecodeFailure,
	FfmpegDecoder,
	type FrameSelection,
	ImageSink,
	InvalidOptionError,
	type Picture,
	type PictureFormat,
	SinkError,
} from '../../index.js';
import { type ArchiveCommandOptions, archiveOf, rangeOf } from '../archive-options.js';
import type { CommandContext } from '../command-context.js';
import { parseDuration } from '../duration.js';
import { EXIT } from '../exit.js';
import { ProgressBar } from '../progress-bar.js';
import { parseTracks } from '../track-list.js';

/** Options of `frames`. */
export interface FramesCommandOptions extends ArchiveCommandOptions {
	readonly output?: string;
	readonly keyframes?: boolean;
	readonly every?: string;
	readonly all?: boolean;
	readonly tracks?: string;
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
export async function frames(
	options: FramesCommandOptions,
	{ terminal, signal, nowMs }: CommandContext,
): Promise<number> {
	const range = rangeOf(options, nowMs);
	const { output, ffmpeg } = options;
	if (output === undefined) throw new InvalidOptionError('-o', 'given: the directory to write to', output);
	const format = FORMATS[options.format];
	if (format === undefined) throw new InvalidOptionError('--format', 'jpg, png, raw or nv12', options.format);
	const select = selectionOf(options);
	const tracks = parseTracks(options.tracks);
	await using archive = archiveOf(options);
	const bar = new ProgressBar(process.stderr);
	const failures: DecodeFailure[] = [];
	let failureCount = 0;
	const pictures = archive.pictures(range, {
		signal,
		select,
		tracks,
		format,
		decoder: new FfmpegDecoder({ path: ffmpeg }),
		onProgress: bar.update.bind(bar),
		onFailure: (failure) => {
			failureCount++;
			if (failures.length < MAX_SAID_FAILURES) failures.push(failure);
		},
	});
	const sink = new ImageSink(output);
	try {
		await pipeline(
			pictures,
			async function* (source: AsyncIterable<Picture>) {
				for await (const picture of source) {
					if (options.json) await terminal.writeJson([picture]);
					yield picture;
				}
			},
			sink,
		);
	} catch (error) {
		signal.throwIfAborted();
		if (failureCount === 0 || !(error instanceof SinkError) || error.code !== 'KVS_EMPTY_RANGE') throw error;
		const message = `nothing to write to \`${output}\`: none of ${failureCount} frames could be decoded`;
		throw new SinkError(error.code, output, message, error);
	} finally {
		bar.stop();
		for (const { frame, message } of failures) {
			const time = frame.timestamp?.toISOString() ?? 'a frame without a time';
			terminal.say(`no picture of ${time}: ${message}`);
		}
	}
	const summary = await pictures.summary;
	if (options.json) await terminal.writeJson([{ type: 'summary', pictures: sink.count, ...summary }]);
	else {
		const { fragments, delivered, failed, missing, pictureFailures, elapsedMs } = summary;
		const parts = [
			`${sink.count} pictures`,
			`${delivered} of ${fragments} fragments`,
			`${(elapsedMs / 1000).toFixed(1)} s`,
			...(pictureFailures > 0 ? [`${pictureFailures} frames could not be decoded`] : []),
			...(failed > 0 ? [`${failed} failed`] : []),
			...(missing > 0 ? [`${missing} missing`] : []),
		];
		terminal.say(`wrote ${output}: ${parts.join(', ')}`);
	}
	return summary.failed + summary.missing + summary.pictureFailures > 0 ? EXIT.incomplete : EXIT.done;
}

/** The most frames for which the reason of a failure is printed; the others are counted. */
const MAX_SAID_FAILURES = 10;

function selectionOf({ keyframes, every, all }: FramesCommandOptions): FrameSelection {
	if ([keyframes, every, all].filter((given) => given !== undefined).length > 1) {
		throw new InvalidOptionError('--every', 'given alone: one of --keyframes, --every and --all', every);
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
