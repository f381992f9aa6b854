import { pipeline } from 'node:stream/promises';
import {
	type DecodeFailure,
	InvalidOptionError,
	type Picture,
	type PictureStream,
	SinkError,
} from '../../../index.js';
import { archiveOf, type DateRange, rangeOrAround, whereOf } from '../../archive-options.js';
import type { CommandContext } from '../../command-context.js';
import { EXIT } from '../../exit.js';
import { ProgressBar } from '../../progress-bar.js';
import { parseTracks } from '../../track-list.js';
import { failureLine, summaryLine, whyNothing } from './frames-messages.js';
import type { FramesCommandOptions } from './frames-options.js';
import { FramesTally } from './frames-tally.js';
import { pictureFormOf } from './picture-form.js';
import { pictureOutputOf } from './picture-output.js';
import { pictureSelectionOf } from './picture-selection.js';
import { runsAt, screenRequestOf } from './pictures-at.js';
import { pipeFrames } from './stdout/pipe-frames.js';

/** Writes pictures of a range into a directory, or to stdout. */
export async function frames(options: FramesCommandOptions, context: CommandContext): Promise<number> {
	if (options.output === '-') return pipeFrames(options, context);
	if (options.times !== undefined) throw new InvalidOptionError('--times', 'used with -o -', options.times);
	const { terminal, signal, nowMs } = context;
	const screen = screenRequestOf(options, nowMs);
	const { name, sink } = pictureOutputOf(options);
	const form = pictureFormOf(options);
	const select = pictureSelectionOf(options);
	const tracks = parseTracks(options.tracks);
	const where = whereOf(options);
	await using archive = archiveOf(options, context);
	const range = screen === null ? await rangeOrAround(archive, options, context) : null;
	const bar = new ProgressBar(process.stderr);
	const tally = new FramesTally(screen);
	const pictureOptions = {
		...form,
		signal,
		tracks,
		where,
		onProgress: bar.update.bind(bar),
		onFailure: (failure: DecodeFailure) => tally.failure(failure),
	};
	async function* runs(): AsyncGenerator<PictureStream> {
		if (screen === null) yield archive.pictures(range as DateRange, { ...pictureOptions, select });
		else yield* runsAt(archive, screen, pictureOptions, () => tally.hasFound);
	}
	/** Pictures of one run after the other. */
	async function* all(): AsyncGenerator<Picture> {
		for await (const run of runs()) {
			tally.begin();
			for await (const picture of run) {
				tally.picture(picture);
				if (options.json) await terminal.writeJson([picture]);
				yield picture;
			}
			tally.end(await run.summary);
		}
	}
	try {
		await pipeline(all, sink);
	} catch (error) {
		signal.throwIfAborted();
		if (!(error instanceof SinkError) || error.code !== 'KVS_EMPTY_RANGE') throw error;
		const reason = whyNothing(tally);
		if (reason === null) throw error;
		throw new SinkError(error.code, name, `nothing to write to \`${name}\`: ${reason}`, error);
	} finally {
		bar.stop();
		for (const failure of tally.failures) terminal.say(failureLine(failure));
	}
	const { isComplete, counted } = tally;
	if (options.json) await terminal.writeJson([{ type: 'summary', pictures: sink.count, ...counted }]);
	else terminal.say(summaryLine(name, sink.count, tally));
	return isComplete ? EXIT.done : EXIT.incomplete;
}
