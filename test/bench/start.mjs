/* How long a process takes to start: bare node, the SDK's client, and our entries, as whole processes in turns. */
import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';
import { performance } from 'node:perf_hooks';

const ROUNDS = Number(process.argv[2] ?? 15);
const load = (name) => ['--input-type=module', '-e', `await import(${JSON.stringify(name)})`];

const programs = {
	'bare node': ['-e', '0'],
	"the SDK's client": load('@aws-sdk/client-kinesis-video-archived-media'),
	"import 'kvs-archive'": load('kvs-archive'),
	"import 'kvs-archive/server'": load('kvs-archive/server'),
	'kvs-archive --help': [resolve('dist/cli/main.js'), '--help'],
};

const times = Object.fromEntries(Object.keys(programs).map((name) => [name, []]));
for (let round = 0; round <= ROUNDS; round++) {
	for (const [name, args] of Object.entries(programs)) {
		const startMs = performance.now();
		const { status, stderr } = spawnSync(process.execPath, args, {
			env: { ...process.env, AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true' },
		});
		if (status !== 0) throw new Error(`${name} failed: ${String(stderr)}`);
		// The first round fills caches.
		if (round > 0) times[name].push(performance.now() - startMs);
	}
}

const medianMs = Object.fromEntries(
	Object.entries(times).map(([name, list]) => [
		name,
		list.sort((a, b) => a - b)[Math.floor(list.length / 2)],
	]),
);
const targets = [
	["import 'kvs-archive'", "the SDK's client", 2],
	['kvs-archive --help', 'bare node', 2.5],
];
for (const [name, ms] of Object.entries(medianMs)) {
	const ratio = (ms / medianMs['bare node']).toFixed(2);
	console.log(`${name.padEnd(30)} ${ms.toFixed(0).padStart(5)} ms   ${ratio} x bare node`);
}
for (const [name, base, target] of targets) {
	const ratio = medianMs[name] / medianMs[base];
	console.log(
		`${name}: ${ratio.toFixed(2)} x ${base} (target ${target}) ${ratio <= target ? 'met' : 'MISSED'}`,
	);
}
