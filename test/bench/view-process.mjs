/* The process of `kvs-archive view`, and what memory it holds. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const main = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

/** Collects garbage when it is sent a message, and says what is left; does not keep the process alive. */
const COLLECT =
	"data:text/javascript,process.on('message',()=>{gc();process.send(process.memoryUsage().heapUsed)});process.channel.unref()";

/** Starts `kvs-archive view` against a local archive. Returns its address, the process, and a function that ends it. */
export async function startView(args) {
	const child = spawn(process.execPath, ['--expose-gc', '--import', COLLECT, main, 'view', ...args], {
		env: {
			...process.env,
			AWS_ACCESS_KEY_ID: 'local',
			AWS_SECRET_ACCESS_KEY: 'local',
			AWS_REGION: 'us-east-1',
		},
		stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
	});
	const closed = once(child, 'close');
	const address = await new Promise((resolve, reject) => {
		let text = '';
		child.stdout.on('data', (chunk) => {
			text += chunk;
			const found = /listening on (\S+)/.exec(text);
			if (found !== null) resolve(found[1]);
		});
		void closed.then(([code]) => reject(new Error(`view ended with ${code}`)));
	});
	const stop = () => {
		child.kill('SIGINT');
		return closed;
	};
	return { address, child, stop };
}

/** What lives in the heap of a process that {@link startView} started, in bytes. */
export async function heapAfterCollection(child) {
	const responded = once(child, 'message');
	child.send('collect');
	const [bytes] = await responded;
	return bytes;
}

/** Memory of a process that is resident, in bytes. */
export function residentBytes(pid) {
	return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) * 1024;
}
