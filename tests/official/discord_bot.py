"""A small bot in discord.py, over the gateway with the stream compressed. It runs against the simulated Discord, which has
to do for it what Discord does."""

import asyncio
import io
import json
import os
import sys
import urllib.request

import discord
import yarl
from discord import app_commands
from discord.gateway import DiscordWebSocket
from discord.http import Route

Route.BASE = os.environ["DISCORD_API_URL"]
# The address of the gateway is written into the library, which asks for it only when it has shards.
agent = {"User-Agent": "DiscordBot (https://example.org, 1)"}
with urllib.request.urlopen(urllib.request.Request(Route.BASE + "/gateway", headers=agent)) as told:
    DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(json.load(told)["url"])

GUILD = discord.Object(900)


class Form(discord.ui.Modal, title="Why?"):
    reason = discord.ui.TextInput(label="Why", custom_id="reason", max_length=200)

    async def on_submit(self, interaction):
        await interaction.response.send_message(f"Because {self.reason.value}", ephemeral=True)


class Buttons(discord.ui.View):
    def __init__(self):
        super().__init__(timeout=None)

    @discord.ui.button(label="Approve", style=discord.ButtonStyle.success, custom_id="approve")
    async def approve(self, interaction, _):
        embed = discord.Embed(title="Approved", description=f"by {interaction.user.id}", colour=0x2E8B57)
        await interaction.response.edit_message(embed=embed, view=None)

    @discord.ui.button(label="Why?", custom_id="why")
    async def why(self, interaction, _):
        await interaction.response.send_modal(Form())


class Bot(discord.Client):
    def __init__(self):
        super().__init__(
            intents=discord.Intents(guilds=True),
            chunk_guilds_at_startup=False,
            allowed_mentions=discord.AllowedMentions.none(),
        )
        self.tree = app_commands.CommandTree(self)

    async def setup_hook(self):
        self.add_view(Buttons())
        await self.tree.sync(guild=GUILD)
        print("registered", flush=True)

    async def on_ready(self):
        print("ready", flush=True)


bot = Bot()


@bot.tree.command(name="forward-order", description="Forwards an order", guild=GUILD)
async def forward(interaction: discord.Interaction, order: int):
    await interaction.response.defer(ephemeral=True)
    channel = await bot.fetch_channel(interaction.channel_id)
    message = await channel.send(
        "<@&7001> Somebody must say yes",
        embed=discord.Embed(title=f"Order {order} waits", description="USD 84.50").set_footer(text="run r1"),
        view=Buttons(),
        allowed_mentions=discord.AllowedMentions(everyone=False, users=False, roles=[discord.Object(7001)]),
        nonce="r1",
    )
    thread = await message.create_thread(name=f"order {order}")
    await thread.send("Details", file=discord.File(io.BytesIO(b"1042\tpaid\n"), "rows.txt"))
    found = [one.id async for one in channel.history(limit=5)]
    await interaction.edit_original_response(content=f"Posted: {message.id in found}")


@forward.autocomplete("order")
async def orders(interaction: discord.Interaction, typed: str):
    known = [1042, 1043, 2001]
    return [app_commands.Choice(name=f"order {one}", value=one) for one in known if str(one).startswith(typed)]


async def main():
    loop = asyncio.get_running_loop()
    # Ends with whoever started it.
    ended = loop.run_in_executor(None, sys.stdin.read)
    async with bot:
        running = asyncio.create_task(bot.start(os.environ["DISCORD_BOT_TOKEN"]))
        await asyncio.wait([running, asyncio.ensure_future(ended)], return_when=asyncio.FIRST_COMPLETED)
        if running.done():
            running.result()


discord.utils.setup_logging()
asyncio.run(main())
