import { readFileSync } from 'node:fs';
import { Command, type Option } from 'commander';
import { packageFile } from '../package-file.js';
import type { CommandContext } from './command-context.js';
import { append } from './commands/append.js';
import { withDoctorOptions } from './commands/doctor/doctor-options.js';
import { withFramesOptions } from './commands/frames/frames-options.js';
import { withDashOptions, withHlsOptions } from './commands/playback/session-options.js';
import { withViewOptions } from './commands/playback/view-options.js';
import { withServeOptions } from './commands/serve/serve-options.js';
import { addWorkerCommands } from './commands/submit/submit-options.js';
import { addCompletion } from './completion/add-completion.js';
import { withMetricsOptions } from './metrics/metrics-options.js';
import { checkGiven } from './options/check-given.js';
import { choiceOption } from './options/choice-option.js';
import { channelsOption, containerOption, gapsOption } from './options/export-choices.js';
import { inFlags, withFlags } from './options/flag-names.js';
import { TRACKS_TEXT, WHERE_TEXT } from './options/option-texts.js';
import {
	withArchiveOptions,
	withAroundOptions,
	withRedisOption,
	withStreamOptions,
} from './stream-options.js';

/** What becomes of a command line besides what its command does itself. */
export interface ProgramOutcome {
	/** Called with the command's exit status. */
	readonly exit: (code: number) => void;
	/** Called with help and the version, as text of several lines. */
	readonly print: (text: string) => void;
}

/** The command line. Errors, usage errors too, are thrown by `parseAsync`. */
export function createProgram(context: CommandContext, { exit, print }: ProgramOutcome): Command {
	const program = new Command('kvs-archive')
		.description('Reads the archive of Amazon Kinesis Video Streams, and runs a local one.')
		.version(readVersion())
		.option('--verbose', 'print the stack of an error')
		.showSuggestionAfterError(true)
		.exitOverride()
		// Without a command its help is an error to commander, and goes to stderr.
		.configureOutput({ writeOut: print, writeErr: print, outputError: () => {} })
		.configureHelp({ optionDescription });

	// A command is loaded when it runs, so that help does not wait for the AWS SDK.
	const run =
		<A extends unknown[]>(load: () => Promise<(...args: [...A, CommandContext]) => Promise<number>>) =>
		async (...args: unknown[]): Promise<void> => {
			const command = await load();
			// Commander passes the command itself, last.
			const running = args.at(-1) as Command;
			context.terminal.translate = (line) => withFlags(line, running);
			try {
				checkGiven(running);
				exit(await command(...(args.slice(0, -1) as A), context));
			} catch (error) {
				throw inFlags(error, running);
			}
		};

	withServeOptions(withMetricsOptions(program.command('serve'))).action(
		run(async () => (await import('./commands/serve/serve.js')).serve),
	);

	withArchiveOptions(program.command('list').description('list the fragments of a range, in order'))
		.option('--max-items <n>', 'stop after <n> fragments, and print a token to continue with')
		.option('--page-size <n>', 'fragments per call, 1 to 1000')
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
		.option('--tracks <list>', `frames of which tracks: ${TRACKS_TEXT}`)
		.option('--where <name=value>', WHERE_TEXT, append)
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
		.option('--where <name=value>', WHERE_TEXT, append)
		.option(
			'-o, --output <dir>',
			'record into this directory, or s3://BUCKET/FOLDER/, instead: finished files and recordings.jsonl',
		)
		.option(
			'--split <rule>',
			'begin a new file, as export --split, except tag:NAME; may be given again (default: 5m)',
			append,
		)
		.addOption(containerOption('container of the files', { shown: 'mp4' }))
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
		.option('--tracks <list>', `which tracks: ${TRACKS_TEXT}`)
		.option('--where <name=value>', WHERE_TEXT, append)
		.addOption(gapsOption('time in which nothing was recorded; fill: with silence'))
		.option(
			'--split <rule>',
			'begin a new file at a gap, a change of codec (always) or of a tag (tag:NAME), every 10m, or before 500MB; may be given again',
			append,
		)
		.addOption(channelsOption('.wav of several tracks: one file, or one per track'))
		.option(
			'--faststart',
			'a classic MP4 with its index (moov) before the media, instead of a fragmented one',
		)
		.option('--no-manifest', 'write no manifest beside the file')
		.option(
			'--raw [file]',
			'write what the service sends, byte for byte, for serve --ingest; an interrupted one starts over',
		)
		.action(run(async () => (await import('./commands/export.js')).exportRange));

	withFramesOptions(program.command('frames')).action(
		run(async () => (await import('./commands/frames/frames.js')).frames),
	);

	withAroundOptions(
		withArchiveOptions(
			program.command('images').description('write images that the service makes of a range (GetImages)'),
		),
	)
		.option('-o, --output <dir>', 'the directory, or s3://BUCKET/FOLDER/, for the images and images.jsonl')
		.option('--every <time>', 'from one image to the next, 200ms at least', '1s')
		.addOption(choiceOption('--format <format>', 'form of the images', ['jpg', 'png'], 'jpg'))
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

	withHlsOptions(program.command('hls')).action(
		run(async () => (await import('./commands/playback/hls.js')).hls),
	);
	withDashOptions(program.command('dash')).action(
		run(async () => (await import('./commands/playback/dash.js')).dash),
	);

	withStreamOptions(
		program
			.command('presign')
			.argument('<operation>', "by AWS's name or boto3's: ListFragments, list_fragments")
			.description('create a presigned request'),
	)
		.option('--param <name=value>', 'a request parameter; may be given again', append)
		.option('--params <json>', 'request parameters as a JSON object')
		.option('--expires-in <time>', 'how long the signature is valid, up to 7d (default: 3600s)')
		.addOption(choiceOption('--method <method>', 'of the request', ['GET', 'POST'], { shown: 'POST' }))
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
		.option('--tag <name=value>', 'a tag of every fragment; may be given again', append)
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

	withDoctorOptions(program.command('doctor')).action(
		run(async () => (await import('./commands/doctor/doctor.js')).doctor),
	);

	withViewOptions(program.command('view')).action(
		run(async () => (await import('./commands/playback/view.js')).view),
	);

	program
		.command('demo')
		.description('list, read frames and export, in one go, on the embedded archive')
		.option('-o, --output <file>', 'the file to write', 'demo.mp4')
		.action(run(async () => (await import('./commands/demo.js')).demo));

	addCompletion(program, print);

	for (const command of program.commands) {
		command.option('--verbose', 'print the stack of an error');
	}
	return program;
}

/** What help says of an option: after its description the words it takes, and what it is where it is not given. */
function optionDescription({
	description,
	argChoices,
	defaultValue,
	defaultValueDescription,
}: Option): string {
	const facts = [];
	if (argChoices !== undefined) facts.push(argChoices.join(', '));
	const byDefault = defaultValueDescription ?? defaultValue;
	if (byDefault !== undefined && byDefault !== true) facts.push(`default: ${byDefault}`);
	return facts.length === 0 ? description : `${description} (${facts.join('; ')})`;
}

function readVersion(): string {
	const text = readFileSync(packageFile('package.json'), 'utf8');
	return (JSON.parse(text) as { version: string }).version;
}
