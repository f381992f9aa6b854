import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import type { CommandContext } from './command-context.js';
import { append } from './commands/append.js';
import { withViewOptions } from './commands/playback/view-options.js';
import { withServeOptions } from './commands/serve-options.js';
import { addWorkerCommands } from './commands/submit/submit-options.js';
import { withMetricsOptions } from './metrics/metrics-options.js';
import {
	withArchiveOptions,
	withAroundOptions,
	withRangeOptions,
	withRedisOption,
	withStreamOptions,
} from './stream-options.js';

/** What `--tracks` takes. */
const TRACKS = 'numbers, names, video, audio, with commas';

/** What `--where` does. */
const WHERE = 'only fragments that carry this tag; may be given again: all must hold';

/** The command line. `exit` is called with each command's exit status; errors, usage errors too, are thrown by `parseAsync`. */
export function createProgram(context: CommandContext, exit: (code: number) => void): Command {
	const program = new Command('kvs-archive')
		.description('Reads the archive of Amazon Kinesis Video Streams, and runs a local one.')
		.version(readVersion())
		.option('--verbose', 'print the stack of an error')
		.showSuggestionAfterError(true)
		.exitOverride()
		.configureOutput({ writeErr: () => {} });

	// A command is loaded when it runs, so that help does not wait for the AWS SDK.
	const run =
		<A extends unknown[]>(load: () => Promise<(...args: [...A, CommandContext]) => Promise<number>>) =>
		async (...args: unknown[]): Promise<void> => {
			const command = await load();
			// Commander passes the command itself, last.
			exit(await command(...(args.slice(0, -1) as A), context));
		};

	withServeOptions(withMetricsOptions(program.command('serve'))).action(
		run(async () => (await import('./commands/serve.js')).serve),
	);

	withArchiveOptions(program.command('list').description('list the fragments of a range, in order'))
		.option('--max-items <n>', 'stop after <n> fragments, and print a token to continue with')
		.option('--page-size <n>', 'fragments a call, 1 to 1000')
		.option('--starting-token <token>', 'continue where an earlier listing stopped')
		.action(run(async () => (await import('./commands/list.js')).list));

	withArchiveOptions(
		program.command('timeline').description('what is stored: spans, gaps, overlaps, bytes, codec changes'),
	)
		.option('--no-codecs', 'read the listing only, and no media')
		.action(run(async () => (await import('./commands/timeline.js')).timeline));

	withAroundOptions(
		withArchiveOptions(program.command('events').description('print every media event of a range')),
	)
		.option('--tracks <list>', `frames of which tracks: ${TRACKS} (default: all)`)
		.option('--where <name=value>', WHERE, append)
		.action(run(async () => (await import('./commands/events.js')).events));

	withMetricsOptions(
		withRedisOption(
			withStreamOptions(
				program
					.command('follow')
					.description('print every media event of what comes into a stream, for ever'),
			),
		),
	)
		.option(
			'--from <time>',
			'start by the server clock: now, earliest, ISO 8601, epoch seconds, or -15m',
			'now',
		)
		.option('--until <time>', 'end, likewise (default: without end)')
		.option(
			'--checkpoint <place>',
			'save progress in this file, redis://HOST[:PORT] or dynamodb://TABLE, and resume from it',
		)
		.option('--consumer <name>', 'name of the consumer; each has its own checkpoint (default: default)')
		.option('--live', 'read through GetMedia: lower delay; uses one of its three connections per stream')
		.option('--where <name=value>', WHERE, append)
		.option(
			'-o, --output <dir>',
			'record into this directory, or s3://BUCKET/FOLDER/, instead: finished files and recordings.jsonl',
		)
		.option(
			'--split <rule>',
			'go on in a new file, as export --split, except tag:NAME; may be given again (default: 5m)',
			append,
		)
		.option('--container <name>', 'container of the files: mp4, mkv, webm, mov, m4a or wav (default: mp4)')
		.action(run(async () => (await import('./commands/follow.js')).follow));

	program
		.command('inspect')
		.argument('<file>', 'a KVS payload or any Matroska file; - for stdin')
		.description('print every media event of a file; no service needed')
		.option('--json', 'JSON Lines')
		.action(run(async () => (await import('./commands/inspect.js')).inspect));

	withAroundOptions(
		withArchiveOptions(program.command('export').description('write a range into a playable file')),
	)
		.option(
			'-o, --output <file>',
			'the file, or s3://BUCKET/KEY: .mkv, .webm, .mp4, .mov, .m4a or .wav; replaced when it exists',
		)
		.option('--tracks <list>', `which tracks: ${TRACKS} (default: all)`)
		.option('--where <name=value>', WHERE, append)
		.option(
			'--gaps <policy>',
			'time in which nothing was recorded: keep, close, or fill with silence (default: keep)',
		)
		.option(
			'--split <rule>',
			'go on in a new file at a gap, a change of codec (always) or of a tag (tag:NAME), every 10m, or before 500MB; may be given again',
			append,
			[],
		)
		.option('--channels <how>', '.wav of several tracks: stereo (one file) or split (a file each)')
		.option('--faststart', 'a classic MP4, its index in front, instead of a fragmented one')
		.option('--no-manifest', 'write no manifest beside the file')
		.option(
			'--raw [file]',
			'write what the service sends, byte for byte, for serve --ingest; an interrupted one starts over',
		)
		.action(run(async () => (await import('./commands/export.js')).exportRange));

	withAroundOptions(
		withArchiveOptions(
			program.command('frames').description('write pictures of a range, named by their time'),
		),
	)
		.option(
			'-o, --output <dir>',
			'the directory, or s3://BUCKET/FOLDER/, for the images and their list, in which the same command goes on; - for stdout',
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
		.option('--lookback <time>', 'how far before --at the picture may be (default: 60s)')
		.option('--tracks <list>', `which video tracks: ${TRACKS} (default: all)`)
		.option('--where <name=value>', WHERE, append)
		.option('--size <wxh>', 'in pixels: 640x360; 640x or x360 keeps the proportions (default: as coded)')
		.option('--fit <cover|contain|fill>', 'into --size: cut off, with bars or stretched (default: cover)')
		.option(
			'--format <jpg|png|webp|rgb24|bgr24|nv12|gray|y4m>',
			'form of the images; rgb24 (or raw), bgr24, nv12 and gray are raw samples, y4m is for -o -',
			'jpg',
		)
		.option(
			'--layout <files|imagefolder|webdataset>',
			'a file each and a list; the same for Hugging Face; or tar shards (default: files)',
		)
		.option('--shard-size <size>', 'of a shard at most, like 500MB or 1GiB (default: 500MB)')
		.option('--times <file>', 'with -o -: a JSON line a picture into this file (default: to stderr)')
		.option('--decoders <n>', 'how many ffmpeg may decode side by side (default: the number of cores)')
		.option('--ffmpeg <path>', 'the ffmpeg to decode with (default: the one in the PATH)')
		.action(run(async () => (await import('./commands/frames/frames.js')).frames));

	withAroundOptions(
		withArchiveOptions(
			program.command('images').description('write images that the service makes of a range (GetImages)'),
		),
	)
		.option('-o, --output <dir>', 'the directory, or s3://BUCKET/FOLDER/, for the images and images.jsonl')
		.option('--every <time>', 'from one image to the next, 200ms at least', '1s')
		.option('--format <jpg|png>', 'form of the images', 'jpg')
		.option('--width <n>', 'in pixels, up to 3840; needs --height, and may change the proportions')
		.option('--height <n>', 'in pixels, up to 2160; alone, the proportions stay (default: as recorded)')
		.option('--quality <n>', 'of JPEG, from 1 to 100 (default: 80)')
		.option('--no-pad-start', 'request nothing before the range: its first images may be missing')
		.action(run(async () => (await import('./commands/images.js')).images));

	withAroundOptions(
		withArchiveOptions(
			program.command('clip').description('write a range into one MP4 that the service makes (GetClip)'),
		),
	)
		.option('-o, --output <file>', 'the .mp4 to write; - for stdout')
		.action(run(async () => (await import('./commands/clip.js')).clip));

	withRangeOptions(program.command('hls').description('open a playback session and print its URL'))
		.option('--mode <mode>', 'on-demand, live or live-replay (default: on-demand with --from, else live)')
		.option('--container <container>', 'ts or fmp4 (default: ts; the service: fmp4)')
		.option('--discontinuity <mode>', 'on-discontinuity (the default), always or never')
		.option('--fragment-timestamps', "each fragment's time in the playlist")
		.option('--expires <time>', 'how long the session lasts, 300s to 12h (default: 300s)')
		.option('--max-fragments <n>', 'fragments in a playlist, 1 to 5000')
		.action(run(async () => (await import('./commands/playback/hls.js')).hls));

	withRangeOptions(program.command('dash').description('open a DASH session and print its URL'))
		.option('--mode <mode>', 'on-demand, live or live-replay (default: on-demand with --from, else live)')
		.option('--fragment-timestamps', "each fragment's time in the manifest (kvs:ts)")
		.option('--fragment-numbers', "each fragment's number in the manifest (kvs:fn)")
		.option('--expires <time>', 'how long the session lasts, 300s to 12h (default: 300s)')
		.option('--max-fragments <n>', 'fragments in a manifest, 1 to 5000')
		.action(run(async () => (await import('./commands/playback/dash.js')).dash));

	withStreamOptions(
		program
			.command('presign')
			.argument('<operation>', "by AWS's name or boto3's: ListFragments, list_fragments")
			.description('sign a call for somebody else to send'),
	)
		.option('--param <name=value>', 'a member of the call; may be given again', append, [])
		.option('--params <json>', 'members of the call as a JSON object')
		.option('--expires-in <time>', 'how long it may be sent, up to 7d (default: 3600s)')
		.option('--method <method>', 'GET or POST (default: POST)')
		.action(run(async () => (await import('./commands/presign.js')).presign));

	withStreamOptions(
		program
			.command('feed')
			.argument('<file>', 'a Matroska, WebM, MP4 or MOV file; - for Matroska on stdin')
			.description('put a file, or Matroska from a pipe, into a stream, as a camera does'),
	)
		.option('--start <time>', 'producer time of the first frame (default: now; a file with --fast ends now)')
		.option('--realtime', "send by the media's own clock (default for stdin)")
		.option('--fast', 'send as fast as it is taken (default for a file)')
		.option('--loop', 'begin again at the end of the file, for ever')
		.option('--tag <name=value>', 'a tag of every fragment; may be given again', append, [])
		.option('--create', 'make the stream where it does not exist')
		.option('--retention <hours>', 'how long a stream that is made keeps its media (default: 24)')
		.action(run(async () => (await import('./commands/feed.js')).feed));

	addWorkerCommands(program, run);

	program
		.command('verify')
		.argument('<file>', 'what was given to export -o, or to follow -o; a folder in S3 ends with a slash')
		.description('check an export against its manifest, or recordings against their list')
		.option('--region <region>', 'of s3:// (default: AWS_REGION or the profile)')
		.option('--profile <profile>', 'credentials of s3:// from this AWS profile')
		.option('--json', 'JSON Lines')
		.action(run(async () => (await import('./commands/verify.js')).verify));

	withViewOptions(program.command('view')).action(
		run(async () => (await import('./commands/playback/view.js')).view),
	);

	program
		.command('demo')
		.description('list, read frames and export, in one go, on the embedded archive')
		.option('-o, --output <file>', 'the file to write', 'demo.mp4')
		.action(run(async () => (await import('./commands/demo.js')).demo));

	for (const command of program.commands) {
		command.option('--verbose', 'print the stack of an error');
	}
	return program;
}

function readVersion(): string {
	const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
	return (JSON.parse(text) as { version: string }).version;
}
