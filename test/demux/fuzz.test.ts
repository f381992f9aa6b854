import test from 'ava';
import { fuzz } from './fuzz.js';
import { fuzzFindings } from './fuzz-findings.js';
import { faultOf } from './mutation.js';

test('a short run of the fuzzer', (t) => {
	const seed = Math.floor(Math.random() * 2 ** 31);
	t.log(`seed ${seed}; a longer run: npm run fuzz`);
	t.is(fuzz(300, seed).fault, null);
});

test('inputs that once broke the demuxer no longer do', (t) => {
	for (const [name, hex] of fuzzFindings) {
		const bytes = Buffer.from(hex, 'hex');
		const everywhere = Array.from(bytes, (_, place) => place);
		for (const resync of [false, true]) {
			t.is(faultOf(bytes, everywhere, resync), null, name);
			for (const place of everywhere) t.is(faultOf(bytes, [place], resync), null, `${name}, cut at ${place}`);
		}
	}
	t.pass();
});
