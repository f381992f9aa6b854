// Longer than 300 lines: the package is installed once for all recipes.

import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, symlink, unlink, writeFile } from 'node:fs/promises';
import { delimiter, join, resolve } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { ArchiveError, KvsArchive } from '#lib/index.js';
import { testWith } from './helpers/needs.js';
import { type CodeBlock, codeBlocks } from './helpers/package/code-blocks.js';
import { installPackage } from './helpers/package/packed-package.js';
import { writeShellProgram } from './helpers/program/shell-program.js';
import { findBoto3 } from './helpers/service/boto3.js';
import { freePort } from './helpers/service/free-port.js';
import { startRedis } from './helpers/store/redis.js';
import { startS3 } from './helpers/store/s3.js';
import { run } from './helpers/tools.js';
import { until, within } from './helpers/wait.js';

/*
 * What README.md and docs/recipes.md say runs: in a directory with the packed package and what they say to install, word for word.
 * Only ports are others, as tests share a machine: 4580 of the local archive, and 6379 of Redis.
 */

const blocks = [...codeBlocks('README.md'), ...codeBlocks('docs/recipes.md')];
const taken = new Set<CodeBlock>();

/** The one block that has a text in it; the tests below take all there are. */
function take(part: string): CodeBlock {
	const named = blocks.filter(({ fileName }) => fileName === part);
	const found = named.length > 0 ? named : blocks.filter(({ text }) => text.includes(part));
	const [block] = found;
	if (block === undefined || found.length > 1) throw new Error(`${found.length} blocks have \`${part}\``);
	taken.add(block);
	return block;
}

/** What lives as long as the tests of this file. */
const file = {
	undo: [] as (() => unknown)[],
	teardown: (undo: () => unknown) => void file.undo.unshift(undo),
};

let directory = '';
let endpoint = '';

test.before('what README says is installed, and its local archive runs', async (t) => {
	t.timeout(110_000);
	directory = await installPackage(file, ['@types/node', 'esbuild']);
	await symlink(resolve('node_modules/.bin/esbuild'), join(directory, 'node_modules/.bin/esbuild'));
	const serve = take(
		'serve --port 4580 --ingest door=node_modules/kvs-archive/examples/media/clock.mkv@2026',
	).text;
	const server = startShell(file, serve.replace('4580', '0'));
	endpoint = (await server.printed(/listening on (http:\S+)/))[1] ?? '';
	// That was npm's own npx. It finds what is installed as this does, and takes as long as the command itself.
	const bin = join(directory, 'bin');
	await mkdir(bin);
	writeShellProgram(join(bin, 'npx'), 'name=$1; shift; exec "node_modules/.bin/$name" "$@"');
});

test.after.always('all of it ends', async () => {
	for (const undo of file.undo) await undo();
});

/** Has optional peers found until the test is over: the documents say that these must be installed. */
async function installMore(t: ExecutionContext, names: readonly string[]): Promise<void> {
	for (const name of names) {
		const path = join(directory, 'node_modules', name);
		await symlink(resolve('node_modules', name), path);
		t.teardown(() => unlink(path));
	}
}

/** What the commands and programs of the documents have around them. */
function environment(more: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
	const { CI: _, ...inherited } = process.env;
	return {
		...inherited,
		AWS_ENDPOINT_URL: endpoint,
		AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
		npm_config_offline: 'true',
		npm_config_update_notifier: 'false',
		PATH: [join(directory, 'bin'), process.env['PATH']].join(delimiter),
		...more,
	};
}

interface RunningShell {
	/** Resolves once its output has this. */
	readonly printed: (text: RegExp) => Promise<RegExpExecArray>;
	/** Ends it, with all that it has started, and gives its output. */
	readonly end: () => Promise<string>;
	/** Resolves with its exit status and output. */
	readonly ended: Promise<{ readonly code: number | null; readonly output: string }>;
}

/** Starts lines of a document in a shell; what is left of it ends with its owner. */
function startShell(
	owner: Pick<ExecutionContext, 'teardown'>,
	lines: string,
	env: NodeJS.ProcessEnv = {},
): RunningShell {
	const child = spawn('bash', ['-e', '-c', lines], {
		cwd: directory,
		env: environment(env),
		detached: true,
		stdio: ['ignore', 'pipe', 'pipe'],
	});
	let output = '';
	const listeners = new Set<() => void>();
	for (const stream of [child.stdout, child.stderr]) {
		stream.setEncoding('utf8').on('data', (text: string) => {
			output += text;
			for (const listener of listeners) listener();
		});
	}
	const ended = new Promise<{ code: number | null; output: string }>((done, fail) => {
		child.once('error', fail);
		child.once('close', (code) => done({ code, output }));
	});
	const end = async (): Promise<string> => {
		endGroup(child);
		return (await within(ended, () => `after SIGTERM ${lines}\n${output}`)).output;
	};
	owner.teardown(end);
	const printed = (text: RegExp): Promise<RegExpExecArray> =>
		within(
			new Promise((done, fail) => {
				const look = (): void => {
					const found = text.exec(output);
					if (found !== null) done(found);
				};
				listeners.add(look);
				look();
				void ended.then(({ code }) => fail(new Error(`${lines} ended with ${code}: ${output}`)));
			}),
			() => `${lines} has printed ${output}`,
		);
	return { printed, end, ended };
}

function endGroup({ pid }: ChildProcess): void {
	try {
		if (pid !== undefined) process.kill(-pid, 'SIGTERM');
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
	}
}

/** Runs lines of a document to their end, which must be a success. */
async function shell(t: ExecutionContext, lines: string, env: NodeJS.ProcessEnv = {}): Promise<string> {
	const running = startShell(t, lines, env);
	const { code, output } = await within(running.ended, () => lines);
	t.is(code, 0, `${lines}\n${output}`);
	return output;
}

const programs = blocks.filter(({ language }) => language === 'js');
const programNames = programs.map(({ fileName }) => fileName ?? '');

test.serial('every program is TypeScript under strict, as nodenext and as bundlers resolve it', async (t) => {
	t.true(programNames.every((name) => name.endsWith('.mjs')));
	await Promise.all(
		programs.map(async ({ fileName, text }) => {
			await writeFile(join(directory, fileName ?? ''), text);
			await writeFile(join(directory, (fileName ?? '').replace('.mjs', '.mts')), text);
		}),
	);
	const sources = programNames.map((name) => name.replace('.mjs', '.mts'));
	const tsc = [
		resolve('node_modules/.bin/tsc'),
		'--singleThreaded',
		// What the package's own types need is held by package/types.test.ts.
		'--skipLibCheck',
		'--strict',
		'--target',
		'es2022',
		'--types',
		'node',
	];
	const options = { cwd: directory };
	const nodenext = [...tsc, '--module', 'nodenext', '--outDir', 'typescript', ...sources];
	t.is((await run(process.execPath, nodenext, options)).stdout, '');
	// Each language has a directory of its own, as both write the same files.
	await symlink('../node_modules', join(directory, 'typescript/node_modules'));
	const bundler = [...tsc, '--module', 'preserve', '--moduleResolution', 'bundler', '--noEmit', ...sources];
	t.is((await run(process.execPath, bundler, options)).stdout, '');
});

/** Programs, as JavaScript and as TypeScript compiled them, and what they print. */
const printed: Readonly<
	Record<string, { readonly needs?: readonly string[]; readonly output: RegExp | string }>
> = {
	'first.mjs': { output: take('14:03:04.000Z 4121').text },
	'model.mjs': {
		needs: ['ffmpeg'],
		output: /^1769868180000 \[ 8, 224, 224, 3 \] 1204224\n1769868188000 \[ 8, 224, 224, 3 \] 1204224\n$/,
	},
	'event.mjs': { output: /^event-in-code\.mp4 \d fragments and all of them\n$/ },
	// Newer versions of Node print it as for a terminal, always.
	'door.test.mjs': { output: /[#ℹ] pass 1\n[#ℹ] fail 0\n/ },
};

for (const [name, { needs = [], output }] of Object.entries(printed)) {
	take(name);
	testWith(...needs)(`${name} prints what it should, in JavaScript and in TypeScript`, async (t) => {
		const runs = [directory, join(directory, 'typescript')].map(async (cwd) => {
			const args = name.includes('.test.') ? ['--test', name] : [name];
			const ran = await run(process.execPath, args, { cwd, env: environment() });
			t.is(ran.code, 0, `${cwd}/${name}: ${ran.stdout}${ran.stderr}`);
			if (typeof output === 'string') t.is(ran.stdout, output);
			else t.regex(ran.stdout, output);
			t.is(ran.stderr, '');
		});
		await Promise.all(runs);
	});
}

test.serial('lambda.mjs is one file that Lambda can call', async (t) => {
	take('lambda.mjs');
	await shell(t, take('npx esbuild lambda.mjs').text);
	const output = await shell(t, `node -e '${callHandler}'`, { TMPDIR: directory });
	t.is(output, `${join(directory, 'event.mp4')} 5 fragments\n`);
});

/** Calls the bundle as Lambda does, with the notification of a fragment as SNS delivers it. */
const callHandler = `
	const { execFileSync } = require("node:child_process");
	const listed = execFileSync("npx", ["kvs-archive", "list", "--stream", "door", "--from", "2026-01-31", "--json"], { encoding: "utf8" });
	const { FragmentNumber } = JSON.parse(listed.split("\\n")[3]);
	const message = {
		StreamArn: "arn:aws:kinesisvideo:us-east-1:123456789012:stream/door/1", FragmentNumber, NotificationType: "PERSISTED",
		FragmentStartProducerTimestamp: 1769868186000, FragmentStartServerTimestamp: 1769868187000, NotificationPayload: {},
	};
	require("./lambda/index.js").handler({ Records: [{ Sns: { Message: JSON.stringify(message) } }] });
`;

/** Commands that end, and what they print and leave. */
const commands: readonly {
	readonly part: string;
	readonly needs?: readonly string[];
	readonly output: RegExp;
	readonly leaves?: string;
}[] = [
	{
		part: '-o call.wav',
		output:
			/^wrote door\.mp4: 4 of 4 fragments.*\nwrote event\.mp4: 4 of 4 fragments.*\nwrote call\.wav: 2 of 4 fragments/,
		leaves: 'call.wav',
	},
	{ part: '--layout webdataset', needs: ['ffmpeg'], output: /8 pictures[\s\S]*train/, leaves: 'train' },
	{ part: 'kvs-archive hls', output: /^http:\S+getHLSMasterPlaylist\.m3u8\?SessionToken=\S+\nplays until / },
];

for (const { part, needs = [], output, leaves } of commands) {
	const { text } = take(part);
	testWith(...needs)(text.trim(), async (t) => {
		t.regex(await shell(t, text), output);
		if (leaves !== undefined) t.true(existsSync(join(directory, leaves)));
	});
}

test.serial('a recorder runs until it is ended', async (t) => {
	const recorder = startShell(t, take('-o recordings --split 5s').text);
	await recorder.printed(/^door-2026-01-31T14-\S+Z\.mp4: \d\.\d+ s/m);
	await recorder.end();
	t.true(existsSync(join(directory, 'recordings/recordings.jsonl')));
});

testWith('ffmpeg')('a camera of ffmpeg is on the page in the browser', async (t) => {
	// In place of a browser, which the tests of the page have.
	const bin = join(directory, 'desktop');
	await mkdir(bin);
	writeShellProgram(join(bin, 'xdg-open'), 'echo "$1" >desktop/opened');
	const lines = take('feed --stream camera').text.replaceAll('4580', new URL(endpoint).port);
	const camera = startShell(t, lines);
	const archive = new KvsArchive({ streamName: 'camera', endpoint });
	t.teardown(() => archive.close());
	await until(
		() => isStored(archive),
		() => 'nothing of the camera is stored',
	);
	const desktop = { PATH: [bin, join(directory, 'bin'), process.env['PATH']].join(delimiter) };
	const view = startShell(t, take('kvs-archive view').text, desktop);
	const [, address = ''] = await view.printed(/listening on (http:\S+)/);
	t.is((await fetch(address)).status, 200);
	await until(
		() => existsSync(join(bin, 'opened')),
		() => 'xdg-open was not called',
	);
	t.is(await readFile(join(bin, 'opened'), 'utf8'), `${address}\n`);
	await view.end();
	await camera.end();
});

/** Whether a stream is there, and has a fragment. */
async function isStored(archive: KvsArchive): Promise<boolean> {
	try {
		for await (const _ of archive.fragments({ from: 0, to: new Date() })) return true;
	} catch (error) {
		if (!(error instanceof ArchiveError) || error.code !== 'KVS_NOT_FOUND') throw error;
	}
	return false;
}

test.serial('the workflow starts an archive for the tests of others', async (t) => {
	const workflow = take('.github/workflows/test.yml').text.replaceAll('4580', String(await freePort()));
	const settings = [...workflow.matchAll(/^ {6}([A-Z_]+): (\S+)$/gm)];
	const steps = [...workflow.matchAll(/^ {6}- run: (?:\|\n((?: {10}.*\n)+)|(.*)\n)/gm)].map(
		([, several, one]) => several ?? one ?? '',
	);
	t.is(settings.length, 4);
	t.is(steps.length, 3);
	t.is(steps.shift(), 'npm install kvs-archive');
	const job = startShell(
		t,
		steps.join('\n'),
		Object.fromEntries(settings.map(([, name, value]) => [name, value])),
	);
	await job.printed(/listening[\s\S]*(?:\d{20,} .*\n){8}/);
	await job.end();
});

testWith('boto3')('the boto3 test passes', async (t) => {
	const { fileName, text } = take('test_door.py');
	await writeFile(join(directory, fileName ?? ''), text);
	const [python = ''] = await findBoto3();
	const ran = await run(python, ['-m', 'unittest', fileName ?? ''], { cwd: directory, env: environment() });
	t.is(ran.code, 0, ran.stderr);
	t.regex(ran.stderr, /Ran 1 test [\s\S]*OK/);
});

testWith('redis-server')('workers divide an export, and programs share quotas', async (t) => {
	await installMore(t, ['bullmq', 'ioredis']);
	const { port } = await startRedis(t);
	const lines = (part: string): string => take(part).text.replaceAll('6379', String(port));
	const worker = startShell(t, lines('kvs-archive work'));
	t.regex(await shell(t, lines('submit export')), /4 of 4 slices|4 slices/);
	t.is((await readdir(join(directory, 'slices'))).filter((name) => name.endsWith('.mp4')).length, 4);
	await worker.end();
	t.regex(await shell(t, lines('-o shared.mp4')), /^wrote shared\.mp4: \d of \d fragments/);
});

test.serial('an export goes into S3, and is read back', async (t) => {
	await installMore(t, ['@aws-sdk/client-s3']);
	const s3 = await startS3(t);
	const output = await shell(t, take('s3://media/door/x.mp4').text, s3.environment);
	t.regex(output, /^wrote s3:\/\/media\/door\/x\.mp4: 4 of 4 fragments/);
	t.deepEqual((await s3.keys()).toSorted(), ['door/x.mp4', 'door/x.mp4.json']);
});

// After the others, as it puts more into the stream.
test.serial('follow.mjs runs without end, and resumes where it was stopped', async (t) => {
	take('follow.mjs');
	const first = startShell(t, 'node follow.mjs');
	await first.printed(/(?:\d+ \d+ frames\n){8}/);
	const numbers = (await first.end()).match(/^\d+/gm) ?? [];
	t.is(numbers.length, 8);
	await shell(t, 'npx kvs-archive feed --stream door node_modules/kvs-archive/examples/media/clock.mkv');
	const second = startShell(t, 'node typescript/follow.mjs');
	await second.printed(/(?:\d+ \d+ frames\n){8}/);
	// The last one was perhaps not done.
	const again = await second.end();
	for (const number of numbers.slice(0, -1)) t.notRegex(again, new RegExp(number));
});

testWith(
	'ffmpeg',
	'boto3',
	'redis-server',
)('every block of the documents is run', (t) => {
	const project = blocks.filter(({ text }) => /^npm (?:install|run)\b/.test(text));
	t.deepEqual(
		blocks.filter((block) => !taken.has(block) && !project.includes(block)).map(({ text }) => text),
		[],
	);
	t.is(project.length, 2);
});
