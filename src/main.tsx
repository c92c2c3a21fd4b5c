import { keepForOffline } from './offline/register';
import { browserHost } from './ui/browser-host';
import { mountPage } from './ui/mount-page';
import { createEngineClient } from './worker/client';

const page = document.querySelector('#page');
if (page !== null) mountPage(page, createEngineClient(), browserHost());
keepForOffline();
