import { type Command, Option } from 'commander';
import type { CommandContext } from '../../command-context.js';
import { withMetricsOptions } from '../../metrics/metrics-options.js';
import { channelsOption, containerOption, gapsOption } from '../../options/export-choices.js';
import { TRACKS_TEXT, WHERE_TEXT } from '../../options/option-texts.js';
import { suggestionFor } from '../../options/suggestion.js';
import { withRangeOptions } from '../../stream-options.js';
import { append } from '../append.js';
import { withPictureOptions } from '../frames/frames-options.js';

/** Loads a command when it is called, and hands its exit status on. */
type Run = <A extends unknown[]>(
	load: () => Promise<(...args: [...A, CommandContext]) => Promise<number>>,
) => (...args: unknown[]) => Promise<void>;

const REDIS = 'the Redis of the queue: redis://[USER:PASSWORD@]HOST[:PORT], or rediss:// for TLS';
/** The kind of work that is meant where none is named. */
const HANDLER = 'handler';

const QUEUE = 'name of the queue (default: work)';

/** Adds `submit` and `work`. */
export function addWorkerCommands(program: Command, run: Run): void {
	const submit = program
		.command('submit')
		.description('divide work into jobs for workers: an export, frames, or a module of yours (HANDLER.js)');
	const load = async () => import('./submit.js');
	// A word that is not a kind of work is the module of a handler to commander, also where it is a kind with an error in it.
	submit.hook('preSubcommand', ({ args: [word = ''] }, kind) => {
		if (kind.name() !== HANDLER || word === HANDLER || !/^\w+$/.test(word)) return;
		const meant = suggestionFor(word, ['export', 'frames', 'follow']);
		const hint =
			meant === null ? 'expected export, frames, follow or a module, HANDLER.js' : `Did you mean ${meant}?`;
		submit.error(`unknown command '${word}' (${hint})`);
	});

	withSliceOptions(submit.command('export').description('export a range in slices, one file per slice'))
		.option('-o, --output <dir>', 'the folder for the files, below --out, or s3://BUCKET/PREFIX/')
		.addOption(containerOption('container of the files', 'mp4'))
		.option('--tracks <list>', `which tracks: ${TRACKS_TEXT}`)
		.option('--where <name=value>', WHERE_TEXT, append)
		.addOption(gapsOption('as for export'))
		.option('--split <rule>', 'as for export; within a slice', append)
		.addOption(channelsOption('as for export'))
		.option('--faststart', 'as for export')
		.action(run(async () => (await load()).submitExport));

	withPictureOptions(
		withSliceOptions(
			submit.command('frames').description('write pictures of a range in slices, one folder per slice'),
		)
			.option(
				'-o, --output <dir>',
				"parent folder of the slices' folders, below --out, or s3://BUCKET/PREFIX/",
			)
			.option('--keyframes', 'key frames only, and decode no others')
			.option('--every <time|n>', 'one picture per interval (500ms, 2s), or every nth (10), of each slice')
			.option('--all', 'every picture (the default)'),
	).action(run(async () => (await load()).submitFrames));

	withSliceOptions(
		submit
			.command(HANDLER, { isDefault: true, hidden: true })
			.argument('<module>', 'a module below --handlers')
			.description('call the default export of a module with each slice'),
	)
		.option('-o, --output <dir>', 'a folder for what the module writes, below --out')
		.addOption(currentFolder('--handlers <dir>', "path on this machine of the workers' --handlers folder"))
		.option('--options <json>', 'given to the module')
		.action(run(async () => (await load()).submitHandler));

	submit
		.command('follow')
		.argument('[module]', 'a module below --handlers, called with each fragment; or -o')
		.description('follow streams with workers: each turn of a stream reads what is new since the last')
		.requiredOption('--redis <url>', REDIS)
		.option('--queue <name>', QUEUE)
		.option('--streams <list>', 'names of streams, with commas')
		.option('--all-streams', 'every stream of the account and region that has a retention')
		.option('--remove <list>', 'stop following these streams')
		.option('--every <time>', 'from one turn of a stream to the next', '10s')
		.option(
			'--from <time>',
			'where to start with streams not followed before: now, earliest or a time',
			'now',
		)
		.option('--consumer <name>', 'name of the consumer; each has its own checkpoints (default: workers)')
		.option('--where <name=value>', WHERE_TEXT, append)
		.option(
			'-o, --output <dir>',
			'record each stream into a folder of its own in this one, below --out, or s3://BUCKET/PREFIX/',
		)
		.addOption(currentFolder('--out <dir>', "path on this machine of the workers' --out folder"))
		.addOption(containerOption('container of the files', { shown: 'mp4' }))
		.option('--split <rule>', 'as for follow; each turn also ends its file', append)
		.addOption(currentFolder('--handlers <dir>', "path on this machine of the workers' --handlers folder"))
		.option('--options <json>', 'given to the module')
		.option('--endpoint <url>', 'endpoint URL, such as a local archive')
		.option('--region <region>', 'AWS region')
		.option('--profile <name>', 'AWS profile that --all-streams lists with')
		.option(
			'--wait',
			'keep running: every minute add and remove streams, and restore jobs that Redis has lost',
		)
		.option('--json', 'JSON Lines')
		.option('--verbose', 'print the stack of an error')
		.action(run(async () => (await import('./submit-follow.js')).submitFollow));

	withMetricsOptions(
		program.command('work').description('do the jobs that submit has put into a queue, until SIGTERM'),
	)
		.requiredOption('--redis <url>', REDIS)
		.option('--queue <name>', QUEUE)
		.option(
			'--out <dir>',
			'the folder below which everything is written, or s3://BUCKET/PREFIX/; may be given again (default: the current folder)',
			append,
		)
		.addOption(
			currentFolder('--handlers <dir>', 'folder of the handler modules; modules outside it are refused'),
		)
		.option('--concurrency <n>', 'slices at once (default: 1)')
		.option('--streams <n>', 'streams followed at once (default: 8)')
		.option('--grace <time>', 'how long jobs may run after SIGTERM; then other workers get them', '30s')
		.option('--profile <name>', 'AWS profile that streams are read with')
		.option('--decoders <n>', 'ffmpeg processes at once, per slice (default: the number of cores)')
		.option('--ffmpeg <path>', 'the ffmpeg to decode with (default: the one in the PATH)')
		.option('--json', 'JSON Lines')
		.action(run(async () => (await import('./work.js')).work));
}

/** An option whose default is the folder in which the command runs. */
function currentFolder(flags: string, description: string): Option {
	return new Option(flags, description).default('.', 'the current folder');
}

function withSliceOptions(command: Command): Command {
	return withRangeOptions(command)
		.requiredOption('--redis <url>', REDIS)
		.option('--queue <name>', QUEUE)
		.option('--slice <time>', 'length of a slice; each begins where a fragment does', '10m')
		.addOption(currentFolder('--out <dir>', "path on this machine of the workers' --out folder"))
		.option('--wait', 'wait until every slice is done; exit status 3 where something is missing')
		.option('--verbose', 'print the stack of an error');
}
