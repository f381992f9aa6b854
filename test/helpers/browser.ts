import test from 'ava';
import { type Browser, chromium } from 'playwright-core';
import { CHROMIUM } from './needs.js';

/** Nothing of the machine is needed but its processor; and it plays without being touched. */
const FLAGS = ['--no-sandbox', '--disable-gpu', '--autoplay-policy=no-user-gesture-required'];

/** One for all tests of a file: it takes longer to start than most of them. */
let browser: Promise<Browser> | null = null;

test.after.always(async () => {
	await (await browser)?.close();
});

/** The browser of a test file, which is closed with it. */
export function sharedBrowser(): Promise<Browser> {
	browser ??= chromium.launch({ executablePath: CHROMIUM, args: FLAGS });
	return browser;
}
