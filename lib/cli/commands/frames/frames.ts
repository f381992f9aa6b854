import { pipeline } from 'node:stream/promises';
import { type DecodeFailure, InvalidOptionError, type Picture, SinkError } from '../../../index.js';
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
import { runsAt, type ScreenRequest, screenRequestOf } from './pictures-at.js';
import { pipeFrames } from './stdout/pipe-frames.js';

/** Writes pictures of a range into a directory, or to stdout. */
export async function frames(options: FramesCommandOptions, context: CommandContext): Promise<number> {
	if (options.output === '-') return pipeFrames(options, context);
	if (options.times !== undefined) throw new InvalidOptionError('--times', 'used with -o -', options.times);
	const { terminal, signal, nowMs } = context;
	const screen = screenRequestOf(options, nowMs);
	const { name, folder, form: layout, sink } = await pictureOutputOf(options);
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
	async function print(picture: Picture): Promise<void> {
		if (options.json) await terminal.writeJson([picture]);
	}
	/** Writes the pictures of a range. */
	async function exportRange(range: DateRange): Promise<void> {
		const onPicture = (picture: Picture): Promise<void> => {
			tally.picture(picture);
			return print(picture);
		};
		const how = { ...pictureOptions, ...layout, select, onPicture };
		tally.exported(await archive.exportPictures(range, folder, how));
	}
	/** Pictures of one run after the other. */
	async function* pictures(request: ScreenRequest): AsyncGenerator<Picture> {
		const runs = runsAt(archive, request, pictureOptions, () => tally.hasFound);
		for await (const picture of tally.picturesOf(runs)) {
			await print(picture);
			yield picture;
		}
	}
	try {
		if (range !== null) await exportRange(range);
		else if (screen !== null) await pipeline(pictures(screen), sink());
	} catch (error) {
		signal.throwIfAborted();
		if (!(error instanceof SinkError) || error.code !== 'KVS_EMPTY_RANGE') throw error;
		const reason = whyNothing(tally, select);
		if (reason === null) throw error;
		throw new SinkError(error.code, name, `nothing to write to \`${name}\`: ${reason}`, error);
	} finally {
		bar.stop();
		for (const failure of tally.failures) terminal.say(failureLine(failure));
	}
	const { isComplete, counted } = tally;
	if (options.json) await terminal.writeJson([{ type: 'summary', ...counted }]);
	else terminal.say(summaryLine(name, tally));
	return isComplete ? EXIT.done : EXIT.incomplete;
}
