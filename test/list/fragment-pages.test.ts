import test, { type ExecutionContext } from 'ava';
import { ArchiveClient, type Fragment, type FragmentPage, FragmentSource } from 'kvs-archive';
import { fragmentNumber, recording } from '../helpers/media/payload.js';
import { between, startMs } from '../helpers/media/range.js';
import { startArchive } from '../helpers/service/archive.js';
import { type Meddle, startMeddler } from '../helpers/service/meddler.js';
import { openArchive } from '../helpers/service/open-archive.js';
import { unlimited } from '../helpers/service/unlimited.js';

/** Lists 30 fragments in pages of ten; `meddle` is called with every page. */
async function list(t: ExecutionContext, meddle: Meddle): Promise<number> {
	const archive = await startArchive(t, { door: recording(30) });
	const endpoint = await startMeddler(t, archive, (response) =>
		response.path === '/listFragments' ? meddle(response) : null,
	);
	const kvs = openArchive(t, endpoint);
	const range = between(0, 800_000);
	const numbers = new Set<string>();
	for await (const fragment of kvs.fragments(range, { pageSize: 10 }) as AsyncIterable<Fragment>) {
		numbers.add(fragment.fragmentNumber);
	}
	return numbers.size;
}

const page = (fields: object): { status: number; body: Buffer } => ({
	status: 200,
	body: Buffer.from(JSON.stringify(fields)),
});

test('an empty page whose token is its own is requested again', async (t) => {
	let token = '';
	const count = await list(t, ({ nth, body }) => {
		if (nth > 0 && nth < 4) return page({ Fragments: [], NextToken: token });
		if (nth === 0) token = JSON.parse(body.toString()).NextToken;
		return null;
	});
	t.is(count, 30);
});

test('a listing whose token has expired starts over, but not without end', async (t) => {
	const expired = {
		status: 400,
		body: Buffer.from(JSON.stringify({ __type: 'InvalidArgumentException', Message: 'list again' })),
	};
	t.is(await list(t, ({ nth }) => (nth === 2 ? expired : null)), 30);
	await t.throwsAsync(
		list(t, ({ nth }) => (nth % 2 === 1 ? expired : null)),
		{ code: 'KVS_REQUEST_FAILED', message: /list again/ },
	);
	await t.throwsAsync(
		list(t, () => expired),
		{ code: 'KVS_REQUEST_FAILED', message: /list again/ },
	);
});

test('an empty page that repeats its token without end is an error', async (t) => {
	await t.throwsAsync(
		list(t, () => page({ Fragments: [], NextToken: 'again' })),
		{ code: 'KVS_REQUEST_FAILED', message: /same NextToken/ },
	);
});

test('a token that leads back to earlier fragments is an error', async (t) => {
	let first: object | null = null;
	await t.throwsAsync(
		list(t, ({ body }) => {
			first ??= JSON.parse(body.toString()) as object;
			return page({ ...first, NextToken: 'again' });
		}),
		{ code: 'KVS_REQUEST_FAILED', message: /same NextToken/ },
	);
});

test('a response whose body was lost does not end the listing, and an empty one does', async (t) => {
	const lost = { status: 200, body: Buffer.alloc(0) };
	t.is(await list(t, ({ nth }) => (nth % 2 === 0 ? lost : null)), 30);
	t.is(await list(t, () => page({})), 0);
});

/** Lists more and more fragments that begin at the same time. */
class StoppedClockClient extends ArchiveClient {
	listed = 0;

	override async listFragments(): Promise<FragmentPage> {
		const at = new Date(startMs);
		const fragments = Array.from({ length: 6000 }, () => ({
			fragmentNumber: fragmentNumber(this.listed++),
			fragmentSizeInBytes: 1,
			producerTimestamp: at,
			serverTimestamp: at,
			fragmentLengthInMilliseconds: 0,
		}));
		return { fragments, nextToken: String(this.listed), isBlank: false };
	}
}

test('fragments without end in one millisecond are an error, after as many as are held', async (t) => {
	const client = new StoppedClockClient({ streamName: 'door', region: 'us-east-1' });
	const range = between(0, 60_000);
	const source = new FragmentSource({ client, limiter: unlimited, range });
	await t.throwsAsync(source.toArray(), {
		code: 'KVS_REQUEST_FAILED',
		message: /more than 100000 fragments in one millisecond of the producer's clock; list by the server's/,
	});
});
