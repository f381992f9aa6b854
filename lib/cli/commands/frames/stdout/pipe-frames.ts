import { pipeline } from 'node:stream/promises';
import { type DecodeFailure, InvalidOptionError, type PictureStream, SinkError } from '../../../../index.js';
import { archiveOf, type DateRange, rangeOrAround, whereOf } from '../../../archive-options.js';
import type { CommandContext } from '../../../command-context.js';
import { EXIT } from '../../../exit.js';
import { parseTracks } from '../../../track-list.js';
import { failureLine, summaryLine, whyNothing } from '../frames-messages.js';
import type { FramesCommandOptions } from '../frames-options.js';
import { FramesTally } from '../frames-tally.js';
import { pictureFormOf } from '../picture-form.js';
import { pictureSelectionOf } from '../picture-selection.js';
import { runsAt, screenRequestOf } from '../pictures-at.js';
import { PicturePipe } from './picture-pipe.js';
import { openPictureTimes } from './picture-times.js';

/** Writes pictures of a range to stdout, one after the other: whole images, raw samples or Y4M. */
export async function pipeFrames(options: FramesCommandOptions, context: CommandContext): Promise<number> {
	const { terminal, signal, nowMs } = context;
	const { json, layout, shardSize } = options;
	for (const [flag, value] of Object.entries({
		'--json': json,
		'--layout': layout,
		'--shard-size': shardSize,
	})) {
		if (value !== undefined) throw new InvalidOptionError(flag, 'left out with -o -', value);
	}
	const screen = screenRequestOf(options, nowMs);
	const form = pictureFormOf(options);
	const select = pictureSelectionOf(options);
	const tracks = parseTracks(options.tracks);
	const where = whereOf(options);
	await using archive = archiveOf(options, context);
	const range = screen === null ? await rangeOrAround(archive, options, context) : null;
	const tally = new FramesTally(screen);
	const onFailure = (failure: DecodeFailure): void => tally.failure(failure);
	const pictureOptions = { ...form, signal, tracks, where, onFailure };
	async function* runs(): AsyncGenerator<PictureStream> {
		if (screen === null) yield archive.pictures(range as DateRange, { ...pictureOptions, select });
		else yield* runsAt(archive, screen, pictureOptions, () => tally.hasFound);
	}
	const times = await openPictureTimes(options.times, terminal);
	const isY4m = options.format === 'y4m';
	const pipe = new PicturePipe({ terminal, times, isY4m, select, isScaled: form.size !== undefined });
	try {
		await pipeline(tally.picturesOf(runs()), pipe);
	} catch (error) {
		signal.throwIfAborted();
		const reason =
			error instanceof SinkError && error.code === 'KVS_EMPTY_RANGE' ? whyNothing(tally, select) : null;
		if (reason === null) throw error;
		throw new SinkError('KVS_EMPTY_RANGE', 'stdout', `nothing to write to stdout: ${reason}`, error);
	} finally {
		await times.close();
		for (const failure of tally.failures) terminal.say(failureLine(failure));
	}
	terminal.say(summaryLine('stdout', tally));
	return tally.isComplete ? EXIT.done : EXIT.incomplete;
}
