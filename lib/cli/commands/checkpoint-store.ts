import { type CheckpointStore, FileCheckpoints, InvalidOptionError } from '../../index.js';
import { underName } from '../../wording/option-name.js';

/**
 * The store that `--checkpoint` names: `redis://…`, `rediss://…`, `dynamodb://TABLE`, or a file. Throws `InvalidOptionError` for any
 * other kind of URL.
 */
export async function checkpointStoreOf(
	text: string,
	{ region, profile }: { readonly region?: string; readonly profile?: string },
): Promise<CheckpointStore> {
	const [scheme = '', kind] = /^([a-z][a-z0-9+.-]*):\/\//i.exec(text) ?? [];
	if (kind === undefined) return new FileCheckpoints(text);
	if (kind === 'redis' || kind === 'rediss') {
		const { RedisCheckpoints } = await import('../../redis/index.js');
		return underName('url', '--checkpoint', () => new RedisCheckpoints({ url: text }));
	}
	if (kind === 'dynamodb') {
		const { DynamoCheckpoints } = await import('../../dynamodb/index.js');
		const table = text.slice(scheme.length);
		return underName('table', '--checkpoint', () => new DynamoCheckpoints({ table, region, profile }));
	}
	const expected = 'a file, redis://HOST[:PORT], rediss://… or dynamodb://TABLE';
	throw new InvalidOptionError('--checkpoint', expected, `${scheme}…`);
}
