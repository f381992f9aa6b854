import test, { type ExecutionContext } from 'ava';
import { testWith } from '../helpers/needs.js';
import { commandLine, setEnvironment } from '../helpers/program/command-line.js';
import { startGrowing } from '../helpers/service/growing-stream.js';
import { startDynamo } from '../helpers/store/dynamo.js';
import { startRedis } from '../helpers/store/redis.js';

/** Follows three times what is there, the last time as another consumer; how many fragments each prints. */
async function followThrice(t: ExecutionContext, checkpoint: string): Promise<number[]> {
	const { endpoint, put, stream } = await startGrowing(t);
	const numbers = await put(1, 2);
	const until = new Date(stream.fragments.get(numbers.at(-1) ?? '')?.serverMs ?? 0).toISOString();
	while (
		(await put(3)).every((number) => (stream.fragments.get(number)?.serverMs ?? 0) <= Date.parse(until))
	);
	const range = ['--stream', 'cam', '--endpoint', endpoint, '--from', 'earliest', '--until', until];
	const counts: number[] = [];
	for (const consumer of ['first', 'first', 'second']) {
		const args = ['follow', ...range, '--checkpoint', checkpoint, '--consumer', consumer, '--json'];
		const { code, stdout, stderr } = await commandLine(args);
		t.is(code, 0, stderr);
		counts.push(stdout.split('"fragment-end"').length - 1);
	}
	return counts;
}

testWith('redis-server')('follow resumes from a checkpoint in Redis', async (t) => {
	const { url, client } = await startRedis(t);
	t.deepEqual(await followThrice(t, url), [2, 0, 2]);
	t.deepEqual((await client.keys('*')).toSorted(), [
		'kvs-archive:checkpoint:cam/first',
		'kvs-archive:checkpoint:cam/second',
	]);
});

test.serial('follow resumes from a checkpoint in DynamoDB', async (t) => {
	const { environment } = await startDynamo(t);
	setEnvironment(environment);
	t.deepEqual(await followThrice(t, 'dynamodb://checkpoints'), [2, 0, 2]);
});

test('refuses unknown places of checkpoints without repeating a password in the message', async (t) => {
	const follow = ['follow', '--stream', 'cam', '--endpoint', 'http://127.0.0.1:9', '--checkpoint'];
	for (const [place, message] of [
		['http://user:secret@host', /expected `--checkpoint` to be a file, redis:.* got `http:\/\/…`/],
		['redis://user:secret@:port', /expected `--checkpoint` to be redis:.* got `redis:\/\/…`/],
		['dynamodb://a/b', /expected `--checkpoint` to be 3 to 255 of the characters .* got `a\/b`/],
	] as const) {
		const { code, stderr } = await commandLine([...follow, place]);
		t.is(code, 2);
		t.regex(stderr, message);
		t.notRegex(stderr, /secret/);
	}
});
