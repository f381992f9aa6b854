import { pipeline } from 'node:stream/promises';
import { type ArchivedImage, ArchivedImageSink, InvalidOptionError } from '../../index.js';
import { counted } from '../../wording/counted.js';
import {
	type ArchiveCommandOptions,
	type AroundCommandOptions,
	archiveOf,
	rangeOrAround,
} from '../archive-options.js';
import type { CommandContext } from '../command-context.js';
import { parseDuration } from '../duration.js';
import { EXIT } from '../exit.js';
import { integerOption } from '../integer-option.js';
import { outputPlace } from './output-place.js';

/** Options of `images`. */
export interface ImagesCommandOptions extends ArchiveCommandOptions, AroundCommandOptions {
	readonly output?: string;
	readonly every: string;
	readonly format: 'jpg' | 'png';
	readonly width?: string;
	readonly height?: string;
	readonly quality?: string;
	readonly padStart: boolean;
}

/** Writes images that the service makes of a range into a directory. */
export async function images(options: ImagesCommandOptions, context: CommandContext): Promise<number> {
	const { output, format, every, padStart } = options;
	const { terminal, signal } = context;
	if (output === undefined) throw new InvalidOptionError('-o', 'given: the directory to write to');
	const everyMs = parseDuration(every);
	if (everyMs === null)
		throw new InvalidOptionError('--every', 'a time of at least 200ms (1s, 500ms)', every);
	const imageOptions = {
		everyMs,
		format,
		width: integerOption('--width', options.width),
		height: integerOption('--height', options.height),
		quality: integerOption('--quality', options.quality),
		padStart,
		signal,
	} as const;
	await using archive = archiveOf(options, context);
	const range = await rangeOrAround(archive, options, context);
	const sink = new ArchivedImageSink(await outputPlace('-o', output, options));
	const errors = { NO_MEDIA: 0, MEDIA_ERROR: 0 };
	await pipeline(
		archive.images(range, imageOptions),
		async function* (given: AsyncIterable<ArchivedImage>) {
			for await (const image of given) {
				if (image.error !== null) errors[image.error]++;
				if (options.json) await terminal.writeJson([image]);
				yield image;
			}
		},
		sink,
	);
	const { NO_MEDIA: withoutMedia, MEDIA_ERROR: failed } = errors;
	const isComplete = failed === 0;
	if (options.json) {
		await terminal.writeJson([{ type: 'summary', images: sink.count, isComplete, withoutMedia, failed }]);
	} else {
		const parts = [
			counted(sink.count, 'image'),
			...(withoutMedia > 0 ? [`no media at ${withoutMedia} of the times`] : []),
			...(failed > 0 ? [`${failed} could not be made`] : []),
		];
		terminal.say(`wrote ${output}: ${parts.join(', ')}`);
	}
	return isComplete ? EXIT.done : EXIT.incomplete;
}
