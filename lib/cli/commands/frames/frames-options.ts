import type { Command } from 'commander';
import type { PictureFit, PictureLayout } from '../../../index.js';
import type { ArchiveCommandOptions, AroundCommandOptions } from '../../archive-options.js';
import { choiceOption } from '../../options/choice-option.js';
import { TRACKS_TEXT, WHERE_TEXT } from '../../options/option-texts.js';
import { withArchiveOptions, withAroundOptions } from '../../stream-options.js';
import { append } from '../append.js';

/** Options of `frames`. */
export interface FramesCommandOptions extends ArchiveCommandOptions, AroundCommandOptions {
	readonly output?: string;
	readonly keyframes?: boolean;
	readonly every?: string;
	readonly at?: readonly string[];
	readonly lookback?: string;
	readonly all?: boolean;
	readonly count?: string;
	readonly scene?: string;
	readonly tracks?: string;
	readonly where?: readonly string[];
	readonly size?: string;
	readonly fit?: PictureFit;
	readonly format: string;
	readonly layout?: PictureLayout;
	readonly shardSize?: string;
	readonly times?: string;
	readonly decoders?: string;
	readonly ffmpeg?: string;
}

const FORMATS = ['jpg', 'png', 'webp', 'rgb24', 'raw', 'bgr24', 'nv12', 'gray', 'y4m'];

/** Adds the description and the options of `frames`. */
export function withFramesOptions(command: Command): Command {
	return withPictureOptions(
		withAroundOptions(
			withArchiveOptions(command.description('write pictures of a range, named by their time')),
		)
			.option(
				'-o, --output <dir>',
				'the directory, or s3://BUCKET/FOLDER/, for the images and their list; the same command resumes in it; - for stdout',
			)
			.option('--keyframes', 'key frames only, and decode no others')
			.option('--every <time|n>', 'one picture per interval (500ms, 2s), or every nth (10)')
			.option('--count <n>', 'this many pictures, evenly over what is stored of the range')
			.option(
				'--scene <n>',
				'where the view changes by more than this, from 0 to 1 (0.3), as ffmpeg measures it',
			)
			.option('--all', 'every picture (the default)')
			.option(
				'--at <time>',
				'the picture on the screen at that time, in place of --from and --to; may be given again',
				append,
			)
			.option('--lookback <time>', 'how far before --at the picture may be (default: 60s)'),
	)
		.option('--times <file>', 'with -o -: one JSON line per picture into this file (default: to stderr)')
		.option('--decoders <n>', 'ffmpeg processes at once (default: the number of cores)')
		.option('--ffmpeg <path>', 'the ffmpeg to decode with (default: the one in the PATH)');
}

/** Adds the options that say of which frames pictures are made, and in which form; `submit frames` has them too. */
export function withPictureOptions(command: Command): Command {
	return command
		.option('--tracks <list>', `which video tracks: ${TRACKS_TEXT}`)
		.option('--where <name=value>', WHERE_TEXT, append)
		.option('--size <wxh>', 'in pixels: 640x360; 640x or x360 keeps the proportions (default: as coded)')
		.addOption(
			choiceOption(
				'--fit <how>',
				'how pictures fit --size: cropped, letterboxed or stretched',
				['cover', 'contain', 'fill'],
				{ shown: 'cover' },
			),
		)
		.addOption(
			choiceOption(
				'--format <format>',
				'form of the images; rgb24 (or raw), bgr24, nv12 and gray are raw samples, y4m is for -o -',
				FORMATS,
				'jpg',
			),
		)
		.addOption(
			choiceOption(
				'--layout <layout>',
				'one file per picture and a list; the same as Hugging Face ImageFolder; or tar shards',
				['files', 'imagefolder', 'webdataset'],
				{ shown: 'files' },
			),
		)
		.option('--shard-size <size>', 'of a shard at most, like 500MB or 1GiB (default: 500MB)');
}
