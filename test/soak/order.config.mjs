/* ava's configuration with the test files in an order that KVS_ORDER_SEED determines; for order.mjs. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { relative } from 'node:path';

const root = new URL('../../', import.meta.url);
const { ava } = JSON.parse(readFileSync(new URL('package.json', root), 'utf8'));

function rank(path) {
	const name = relative(root.pathname, path);
	return createHash('sha256').update(`${process.env.KVS_ORDER_SEED} ${name}`).digest('hex');
}

// biome-ignore lint/style/noDefaultExport: ava reads its configuration from it.
export default { ...ava, sortTestFiles: (a, b) => (rank(a) < rank(b) ? -1 : 1) };
